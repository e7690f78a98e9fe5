// Let the input for many files take a folder, once.
element.addEventListener('click', (event) => {
  const input = document.querySelector('#many-files input[type=file]');
  if (!input || !event.target.closest('[data-folder]')) return;
  const takeFiles = () => { input.webkitdirectory = false; };
  input.webkitdirectory = true;
  input.addEventListener('change', takeFiles, { once: true });
  input.addEventListener('cancel', takeFiles, { once: true });
  input.click();
});
