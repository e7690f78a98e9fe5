// Gradio marks each of its blocks as running from left to right, whatever the page does.
(() => {
  const MARKED = '.block[dir="ltr"]';
  const free = (element) => { if (element.matches(MARKED)) element.removeAttribute('dir'); };

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'attributes') free(target);
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        free(node);
        node.querySelectorAll(MARKED).forEach(free);
      }
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['dir'] });
})();
