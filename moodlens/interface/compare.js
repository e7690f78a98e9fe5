// Two halves of one kind: each says which one it is, as soon as Gradio has brought it.
const SIDES = ['left', 'right'];
const nameThem = () => SIDES.every((side) => {
  // The column stays; the input in it is built anew for each picture.
  const half = document.getElementById(`compare-${side}`)?.closest('.column');
  half?.setAttribute('role', 'group');
  half?.setAttribute('aria-label', element.querySelector('[data-left]').dataset[side]);
  return half;
});

if (!nameThem()) {
  new MutationObserver((_, watcher) => {
    if (nameThem()) watcher.disconnect();
  }).observe(document.body, { childList: true, subtree: true });
}
