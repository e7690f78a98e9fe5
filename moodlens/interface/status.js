// Ask how the app is: once the page stands, and each second while the checkpoint is loading.
let asking;
watch('value', () => {
  clearInterval(asking);
  if (element.querySelector('.ml-loading')) asking = setInterval(() => trigger('tick'), 1000);
});
(window.requestIdleCallback ?? setTimeout)(() => trigger('tick'));
