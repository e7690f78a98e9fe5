// Ask for the card, and hand over what comes.
placeOf('card-button').addEventListener('click', () => {
  trigger('card', { with_picture: element.querySelector('#card-with-picture input').checked });
});

watch('value', () => {
  const link = placeOf('card').querySelector('a');
  if (!link) return;
  link.click();
  props.value = null; // the next one may be the same
  link.remove();
});
