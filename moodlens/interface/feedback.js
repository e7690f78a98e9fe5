// One click sends at once; the sliders show what they amount to while they move.
const share = (value) => `${Math.round(100 * value)}\u00a0%`;
const keep = () => element.querySelector('[data-keep]').checked;

const weights = () => {
  const felt = {};
  for (const slider of element.querySelectorAll('[data-slider]')) {
    felt[slider.dataset.slider] = Number(slider.value);
  }
  return felt;
};

element.addEventListener('input', () => {
  const sliders = [...element.querySelectorAll('[data-slider]')];
  const total = sliders.reduce((sum, slider) => sum + Number(slider.value), 0);
  for (const slider of sliders) {
    slider.parentElement.querySelector('output').value = share(total ? slider.value / total : 0);
  }
  element.querySelector('[data-send]').disabled = total === 0;
});

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.felt) {
    trigger('click', { felt: { [button.dataset.felt]: 1 }, click: true, keep: keep() });
  } else if ('send' in button.dataset) {
    trigger('click', { felt: weights(), click: false, keep: keep() });
  }
  for (const other of element.querySelectorAll('button')) other.disabled = true;
});
