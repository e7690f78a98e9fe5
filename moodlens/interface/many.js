// Sort and filter the gallery and the table, by the figures that each row carries.
const row = (place) => element.querySelector(`#many-table tr[data-place="${place}"]`);
const marks = (place) => row(place).dataset.marks.split(' ');
const option = (id) => element.querySelector(`#${id}`).selectedOptions[0];

const label = (figure, order) => {
  const { place } = figure.dataset;
  const shown = order === 'given' ? row(place).dataset.top : order.replace('lift-', '');
  const heads = [...element.querySelectorAll('#many-table thead th')];
  const cell = row(place).querySelector(`[data-figure="${shown}"]`);
  figure.querySelector('b').textContent = `${heads[cell.cellIndex].textContent} ${cell.textContent}`;
};

element.addEventListener('change', () => {
  const order = option('many-order').value;
  const only = option('many-only').value;
  const key = (item) => (
    order === 'given'
      ? Number(item.dataset.place)
      : -Number(row(item.dataset.place).getAttribute(`data-${order}`))
  );
  for (const list of element.querySelectorAll('[data-list]')) {
    const items = [...list.children].sort((a, b) => key(a) - key(b));
    for (const item of items) item.hidden = only && !marks(item.dataset.place).includes(only);
    list.append(...items);
  }
  for (const figure of element.querySelectorAll('figure')) label(figure, order);
});
