// The chart library weighs 1.3 MB: it comes as soon as somebody does anything here, and not before.
// It keeps the browser busy for a moment as it starts: that is over while a picture is being chosen.
(() => {
  const address = new URL('{address}', document.baseURI).href;
  const once = (signs, act) => {
    const heard = () => {
      for (const sign of signs) removeEventListener(sign, heard);
      act();
    };
    for (const sign of signs) addEventListener(sign, heard, { passive: true });
  };

  once(['pointermove', 'pointerdown', 'touchstart', 'keydown', 'dragenter', 'scroll'], () => {
    const link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = address;
    document.head.append(link);
  });

  const idle = window.requestIdleCallback ?? setTimeout;
  once(['click', 'keydown', 'dragenter'], () => idle(() => import(address)));

  // For our own scripts: the same Plotly that draws Gradio's plots.
  window.moodlensCharts = async () => {
    await import(address);
    return window.Plotly;
  };
})();
