// Gradio's scripts keep the browser busy for longer than a person looks away: they run when the
// first sight is painted. A page in the background paints nothing, so it does not wait for long.
(() => {
  const others = {others};

  // Asking for a script takes a moment, and for all at once a long one.
  const ask = () => {
    for (const other of others.splice(0, 4)) {
      const link = document.createElement('link');
      link.rel = 'modulepreload';
      link.crossOrigin = '';
      link.href = other;
      document.head.append(link);
    }
    if (others.length) setTimeout(ask);
  };

  let run = () => {
    run = () => {};
    ask();
    import('{address}');
  };
  addEventListener('DOMContentLoaded', () => requestAnimationFrame(() => setTimeout(() => run())));
  setTimeout(() => run(), 1500);
})();
