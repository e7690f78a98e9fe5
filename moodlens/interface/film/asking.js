// Ask POST /predict about one picture after another: never more than two under way, none hurried.
const MOST_UNDER_WAY = 2;
const ATTEMPTS = 4;

const wait = (milliseconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); });
});

const send = async (picture, signal) => {
  const form = new FormData();
  form.append('file', picture, 'frame.jpg');
  return fetch(new URL('predict', document.baseURI), { method: 'POST', body: form, signal });
};

// The answer, however long the server is busy; what the network loses is sent again.
export const ask = async (picture, signal, busy = () => {}) => {
  for (let failures = 0; ;) {
    let response = null;
    try {
      response = await send(picture, signal);
    } catch (error) {
      failures += 1;
      if (signal.aborted || failures === ATTEMPTS) throw error;
    }
    if (response !== null && response.status !== 503) {
      const answer = await response.json();
      if (answer.status !== 'success') throw new Error(answer.error);
      return answer;
    }
    busy();
    await wait(1000 * (Number(response?.headers.get('retry-after')) || 1), signal);
  }
};

// Room for two at once: `await lane(work)` returns as soon as there is room for the next.
export const lanes = () => {
  const underWay = new Set();
  let failure = null;
  const check = () => { if (failure) throw failure; };
  return {
    enter: async (work) => {
      while (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay);
      check();
      const running = work()
        .catch((error) => { failure ??= error; })
        .finally(() => underWay.delete(running));
      underWay.add(running);
    },
    drain: async () => {
      await Promise.all(underWay);
      check();
    },
  };
};
