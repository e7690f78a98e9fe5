// Notes, in milliseconds of the page's clock, when what happens between a file and its bars.
(() => {
  const times = (window.answerTimes = {});
  const note = (name) => { times[name] ??= performance.now(); };
  const shares = () => {
    const chart = document.querySelector('#bars .js-plotly-plot');
    return chart?.querySelector('.main-svg') ? JSON.stringify(chart.data?.[0]?.x) : undefined;
  };

  // What is drawn counts from the frame after the one in which other bars are there.
  window.watchAnswer = () => {
    for (const name of Object.keys(times)) delete times[name];
    const before = shares();
    const look = () => {
      const now = shares();
      if (now && now !== before && times.completed) requestAnimationFrame(() => note('drawn'));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  };

  addEventListener('change', (event) => {
    if (event.target.type === 'file') note('chosen');
  }, true);

  const heard = async (stream) => {
    const text = new TextDecoder();
    for (const reader = stream.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return;
      const said = text.decode(value, { stream: true });
      for (const name of ['starts', 'completed']) {
        if (said.includes(`"process_${name}"`)) note(name);
      }
    }
  };

  const ask = window.fetch;
  window.fetch = async (...call) => {
    const address = String(call[0].url ?? call[0]);
    if (!times.chosen) return ask(...call);
    if (address.includes('/queue/join')) note('asked');
    const response = await ask(...call);
    if (address.includes('/queue/join')) note('queued');
    if (address.includes('/queue/data') && response.body) {
      const [ours, theirs] = response.body.tee();
      heard(ours);
      return new Response(theirs, response);
    }
    return response;
  };
})();
