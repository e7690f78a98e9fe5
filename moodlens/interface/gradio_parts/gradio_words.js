// What Gradio's and Plotly's parts say in English alone, put into the language of the page.
((words) => {
  const NAMES = ['aria-label', 'title', 'alt', 'data-title'];
  const MARKED = NAMES.map((name) => `[${name}]`).join();

  const putAttributes = (element) => {
    for (const name of NAMES) {
      const said = words[element.getAttribute(name)?.trim()];
      if (said) element.setAttribute(name, said);
    }
  };
  const putText = (element) => {
    for (const node of element.childNodes) {
      const said = node.nodeType === Node.TEXT_NODE && words[node.data.trim()];
      if (said) node.data = said;
    }
  };
  const put = (element) => {
    putAttributes(element);
    element.querySelectorAll(MARKED).forEach(putAttributes);
    element.querySelectorAll('button, button *').forEach(putText);
  };

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'attributes') putAttributes(target);
      for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) put(node);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: NAMES });
})({words});
