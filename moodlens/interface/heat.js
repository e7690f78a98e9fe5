// Another emotion's map is said in words too; how strong the colour is goes by the slider.
element.addEventListener('input', ({ target }) => {
  if (target.type === 'range') element.style.setProperty('--ml-strength', target.value / 100);
  if (target.type === 'radio') {
    element.querySelector('.ml-heat-told').textContent = target.dataset.told;
  }
});
