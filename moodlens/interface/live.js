// Live mode: a frame at most every half second, one in flight, smoothed bars, a minute at most.
const EVERY_MS = 500;
const LONGEST_MS = 60000;
const SIDE = 480;
const SMOOTHING = 0.5;

const find = (selector) => element.querySelector(selector);
const messages = () => JSON.parse(find('.ml-live').dataset.messages);
const say = (name) => { find('[data-message]').textContent = messages()[name]; };
const address = new URL('predict', new URL('./', document.baseURI)).href;

let run = null;

const show = (distribution) => {
  for (const bar of element.querySelectorAll('[data-emotion]')) {
    const name = bar.dataset.emotion;
    const before = run.shown[name] ?? distribution[name];
    run.shown[name] = SMOOTHING * before + (1 - SMOOTHING) * distribution[name];
    const percent = 100 * run.shown[name];
    bar.querySelector('b').style.width = `${percent}%`;
    bar.querySelector('output').value = `${Math.round(percent)}\u00a0%`;
  }
};

const frame = (video) => new Promise((resolve) => {
  const scale = Math.min(1, SIDE / Math.min(video.videoWidth, video.videoHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext('2d').drawImage(video, 0, 0, canvas.width, canvas.height);
  canvas.toBlob(resolve, 'image/jpeg', 0.85);
});

const stop = (name) => {
  if (!run) return;
  run.aborter.abort();
  for (const track of run.stream.getTracks()) track.stop();
  run = null;
  find('video').srcObject = null;
  find('.ml-live').removeAttribute('data-on');
  find('[data-start]').disabled = false;
  find('[data-stop]').disabled = true;
  say(name);
};

const ask = async (current) => {
  const form = new FormData();
  form.append('file', await frame(find('video')), 'frame.jpg');
  const response = await fetch(address, { method: 'POST', body: form, signal: current.aborter.signal });
  const answer = await response.json();
  if (run !== current) return;
  if (answer.status === 'success') {
    show(answer.prediction.probability_distribution);
    find('.ml-live').dataset.answers = ++current.answers;
  } else if (response.status !== 503) {
    throw new Error(answer.error);
  }
};

const loop = async (current) => {
  while (run === current) {
    const next = performance.now() + EVERY_MS;
    try {
      await ask(current);
    } catch (error) {
      if (run === current) stop('failed');
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
};

const start = async () => {
  if (!navigator.mediaDevices?.getUserMedia) return say('insecure');
  find('[data-start]').disabled = true;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  } catch (error) {
    find('[data-start]').disabled = false;
    return say(error.name === 'NotAllowedError' ? 'refused' : 'absent');
  }
  const aborter = new AbortController();
  const current = { stream, aborter, shown: {}, answers: 0 };
  run = current;
  const end = (name) => { if (run === current) stop(name); };
  for (const track of stream.getTracks()) track.addEventListener('ended', () => end('absent'));
  setTimeout(() => end('minute'), LONGEST_MS);
  const video = find('video');
  video.srcObject = stream;
  find('.ml-live').setAttribute('data-on', '');
  try {
    await video.play();
  } catch {
    return end('absent');
  }
  if (run !== current) return;
  find('[data-stop]').disabled = false;
  say('running');
  loop(current);
};

element.addEventListener('click', (event) => {
  if (event.target.closest('[data-start]')) start();
  if (event.target.closest('[data-stop]')) stop('stopped');
});
document.addEventListener('visibilitychange', () => { if (document.hidden) stop('hidden'); });
