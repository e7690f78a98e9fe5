// Rows of thumbnails: one stop for Tab each, along which the arrow keys, Home and End walk.
export const fill = (row, moments, makeButton) => {
  // A button that is there already stays, with the focus that it may have.
  const keys = moments.map(({ sample, text }) => `${sample.seconds} ${text}`);
  for (const child of [...row.children]) if (!keys.includes(child.dataset.key)) child.remove();
  const kept = new Map([...row.children].map((child) => [child.dataset.key, child]));
  moments.forEach(({ sample, text }, i) => {
    const shown = kept.get(keys[i]) ?? makeButton(sample, text);
    shown.dataset.key = keys[i];
    if (shown !== row.children[i]) row.insertBefore(shown, row.children[i] ?? null);
  });
  stopAt(row, [...row.children].find((child) => child.tabIndex === 0) ?? row.firstElementChild);
};

const stopAt = (row, button) => {
  for (const child of row.children) child.tabIndex = child === button ? 0 : -1;
};

export const walk = (event) => {
  const row = event.target.closest('.ml-strip');
  if (!row) return;
  const buttons = [...row.children];
  const at = buttons.indexOf(event.target.closest('button'));
  const onward = getComputedStyle(row).direction === 'rtl' ? -1 : 1;
  const to = {
    ArrowRight: at + onward, ArrowLeft: at - onward, Home: 0, End: buttons.length - 1,
  }[event.key];
  if (!buttons[to]) return;
  event.preventDefault();
  stopAt(row, buttons[to]);
  buttons[to].focus();
};
