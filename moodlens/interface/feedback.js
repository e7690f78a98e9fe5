// One click sends at once; the sliders show what they amount to while they move.
const form = placeOf('feedback');
const share = (value) => `${Math.round(100 * value)}\u00a0%`;
const keep = () => form.querySelector('[data-keep]').checked;

const weights = () => {
  const felt = {};
  for (const slider of form.querySelectorAll('[data-slider]')) {
    felt[slider.dataset.slider] = Number(slider.value);
  }
  return felt;
};

form.addEventListener('input', () => {
  const sliders = [...form.querySelectorAll('[data-slider]')];
  const total = sliders.reduce((sum, slider) => sum + Number(slider.value), 0);
  for (const slider of sliders) {
    slider.parentElement.querySelector('output').value = share(total ? slider.value / total : 0);
  }
  form.querySelector('[data-send]').disabled = total === 0;
});

form.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.felt) {
    trigger('felt', { felt: { [button.dataset.felt]: 1 }, click: true, keep: keep() });
  } else if ('send' in button.dataset) {
    trigger('felt', { felt: weights(), click: false, keep: keep() });
  }
  for (const other of form.querySelectorAll('button')) other.disabled = true;
});
