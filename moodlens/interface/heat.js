// Another emotion's map is said in words too; how strong the colour is goes by the slider.
const heat = placeOf('heat');
heat.addEventListener('input', ({ target }) => {
  if (target.type === 'range') heat.style.setProperty('--ml-strength', target.value / 100);
  if (target.type === 'radio') heat.querySelector('.ml-heat-told').textContent = target.dataset.told;
});
