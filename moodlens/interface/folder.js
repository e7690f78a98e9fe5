// Let the input for many files take a folder, once.
const findInput = () => document.querySelector('#many-files input[type=file]');

// The input is a part of its own, which may be built a moment later than the button.
const inputThere = () => new Promise((resolve) => {
  const watcher = new MutationObserver(() => {
    const input = findInput();
    if (!input) return;
    watcher.disconnect();
    resolve(input);
  });
  watcher.observe(document.body, { childList: true, subtree: true });
});

element.addEventListener('click', async ({ target }) => {
  if (!target.closest('[data-folder]')) return;
  const input = findInput() ?? await inputThere();
  const takeFiles = () => { input.webkitdirectory = false; };
  input.webkitdirectory = true;
  input.addEventListener('change', takeFiles, { once: true });
  input.addEventListener('cancel', takeFiles, { once: true });
  input.click();
});
