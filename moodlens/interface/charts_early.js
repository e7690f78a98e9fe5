// The chart library weighs 1.3 MB: it comes as soon as somebody does anything here, and not before.
(() => {
  const address = new URL('{address}', document.baseURI).href;
  const signs = ['pointermove', 'pointerdown', 'touchstart', 'keydown', 'dragenter', 'scroll'];
  const fetchCharts = () => {
    for (const sign of signs) removeEventListener(sign, fetchCharts);
    const link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = address;
    document.head.append(link);
  };
  for (const sign of signs) addEventListener(sign, fetchCharts, { passive: true });

  // For our own scripts: the same Plotly that draws Gradio's plots.
  window.moodlensCharts = async () => {
    await import(address);
    return window.Plotly;
  };
})();
