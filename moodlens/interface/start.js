// Gradio's scripts keep the browser busy for longer than a person looks away. They run when the first
// sight is painted, one after the other, and in between the browser answers whoever touches the page.
(async () => {
  const first = {first};
  const then = {then};
  const pause = () => globalThis.scheduler?.yield?.() ?? new Promise((go) => setTimeout(go));

  // The browser reads its list of languages when it is first asked: let another thread ask.
  const warmUp = () => {
    const script = new Blob(["Intl.NumberFormat.supportedLocalesOf('en'); close()"]);
    try {
      new Worker(URL.createObjectURL(script));
    } catch {
      // A frame that allows none waits a little longer.
    }
  };

  // Asking for a file takes a moment, and for all at once a long one. Ends when the styles are here.
  const ask = async (files, onScript) => {
    const styles = [];
    for (const [index, file] of files.entries()) {
      const link = document.createElement('link');
      link.crossOrigin = '';
      link.href = file;
      if (file.endsWith('.css')) {
        link.rel = 'stylesheet';
        styles.push(new Promise((go) => { link.onload = link.onerror = go; }));
      } else {
        link.rel = 'modulepreload';
        link.onload = () => onScript?.(file);
      }
      document.head.append(link);
      if (index % 2) await pause();
    }
    await Promise.all(styles);
  };

  const asked = ask(first);
  await new Promise((go) => addEventListener('DOMContentLoaded', go));
  // A page in the background paints nothing, so it does not wait for long.
  await new Promise((go) => {
    requestAnimationFrame(() => setTimeout(go));
    setTimeout(go, 1000);
  });

  // Gradio's element would begin as soon as its script runs: it stands aside until the others have.
  const app = document.querySelector('gradio-app');
  const place = document.createComment('');
  app.replaceWith(place);
  warmUp();
  try {
    await import('{address}');
    const styled = Promise.all([asked, ask(then, (script) => import(script))]);
    for (const file of first) {
      await pause();
      if (file.endsWith('.js')) await import(file);
    }
    await styled;
  } finally {
    place.replaceWith(app);
  }
})();
