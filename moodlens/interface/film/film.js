// A film's feelings: sample it, ask about each frame, and draw what comes while it comes.
import { ask, lanes } from './asking.js';
import { figure } from './chart.js';
import { Unplayable, close, frames, open } from './frames.js';
import { card, csv, save } from './keeping.js';
import { strongest } from './moments.js';
import { fill, walk } from './strip.js';

const DRAW_MS = 600;
const MOST_THUMBNAILS = 48;

// What to do at each event. `element` stays; Gradio may put its content in anew.
export const bringToLife = (element) => {
  const root = () => element.querySelector('.ml-film');
  const find = (name) => element.querySelector(`[data-film-${name}]`);
  const words = JSON.parse(root().dataset.words);
  const emotions = JSON.parse(root().dataset.emotions);
  const columns = JSON.parse(root().dataset.columns);
  const percent = new Intl.NumberFormat(document.documentElement.lang, { style: 'percent' });

  let film = null; // { address, file, name, duration, samples, aborter, gate, release, state }
  let drawAgainAt = 0;

  const clock = (seconds) => {
    const tenths = Math.round(10 * seconds);
    const [minutes, rest] = [Math.floor(tenths / 600), (tenths % 600) / 10];
    if (film.duration > 60) return `${minutes}:${String(Math.floor(rest)).padStart(2, '0')}`;
    return `${minutes}:${rest.toFixed(1).padStart(4, '0')}`;
  };
  const say = (name, values = {}) => {
    find('message').textContent = words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  };
  const told = ({ seconds, prediction }) => {
    const { label } = emotions.find(({ name }) => name === prediction.dominant_emotion);
    return `${clock(seconds)} · ${label} ${percent.format(prediction.confidence)}`;
  };

  // The film shows the moment, and a line says it, for those who do not see the chart.
  const jump = (seconds) => {
    find('player').currentTime = seconds;
    const near = film.samples.reduce((best, sample) => (
      Math.abs(sample.seconds - seconds) < Math.abs(best.seconds - seconds) ? sample : best
    ));
    find('moment').textContent = told(near);
  };

  const button = (sample, text) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.dataset.seconds = sample.seconds;
    const image = document.createElement('img');
    image.src = sample.thumbnail;
    image.alt = '';
    const label = document.createElement('span');
    label.textContent = text;
    made.append(image, label);
    made.setAttribute('aria-label', told(sample));
    return made;
  };

  const options = () => ({
    words,
    emotions,
    stacked: find('kind').value === 'stacked',
    smooth: find('smooth').checked,
  });

  const drawStrip = () => {
    const every = Math.ceil(film.samples.length / MOST_THUMBNAILS);
    const shown = film.samples.filter((_, i) => i % every === 0);
    fill(find('strip'), shown.map((sample) => ({ sample, text: clock(sample.seconds) })), button);
  };
  const drawMoments = () => {
    const found = strongest(film.samples, find('by').value);
    fill(find('moments'), found.map(({ sample, value }) => (
      { sample, text: `${clock(sample.seconds)} · ${percent.format(value)}` }
    )), button);
  };
  const drawChart = async () => {
    const Plotly = await window.moodlensCharts();
    if (!film?.samples.length) return;
    const place = find('chart');
    const ink = getComputedStyle(root()).color;
    const { traces, layout } = figure(film.samples, { ...options(), ink });
    await Plotly.react(place, traces, layout, { displayModeBar: false, responsive: true });
    if (place.dataset.listens) return;
    place.dataset.listens = 'yes';
    place.on('plotly_click', ({ points }) => jump(points[0].x));
    place.on('plotly_hover', ({ points }) => { if (find('player').paused) jump(points[0].x); });
  };
  // While samples come, drawing takes a third of the time at most.
  const draw = async (now = false) => {
    const began = performance.now();
    if (!now && began < drawAgainAt) return;
    drawAgainAt = Infinity;
    root().dataset.samples = film.samples.length;
    drawStrip();
    drawMoments();
    await drawChart();
    drawAgainAt = performance.now() + Math.max(DRAW_MS, 2 * (performance.now() - began));
  };

  const show = (state) => {
    if (film) film.state = state;
    root().dataset.state = state;
    find('pause').disabled = !['running', 'paused'].includes(state);
    find('pause').textContent = state === 'paused' ? words.go_on : words.pause;
    find('stop').disabled = find('pause').disabled;
    for (const name of ['csv', 'card']) find(name).disabled = !film?.samples.length;
  };

  const forget = () => {
    if (!film) return;
    film.aborter.abort();
    film.release?.();
    for (const sample of film.samples) URL.revokeObjectURL(sample.thumbnail);
    find('player').removeAttribute('src');
    find('player').load();
    URL.revokeObjectURL(film.address);
    film = null;
    drawAgainAt = 0;
    for (const name of ['strip', 'moments', 'moment']) find(name).replaceChildren();
    delete root().dataset.samples;
  };

  const add = async (current, frame) => {
    const { signal } = current.aborter;
    const answer = await ask(frame.picture, signal, () => say('busy'));
    if (film !== current) return;
    const sample = {
      seconds: frame.seconds,
      shot: frame.shot,
      prediction: answer.prediction,
      model: answer.model,
      thumbnail: URL.createObjectURL(frame.thumbnail),
    };
    const after = current.samples.findIndex((other) => other.seconds > sample.seconds);
    current.samples.splice(after < 0 ? current.samples.length : after, 0, sample);
    const values = { now: clock(sample.seconds), all: clock(current.duration) };
    if (current.state === 'running') say('running', values);
    show(current.state);
    draw();
  };

  const watch = async (current) => {
    const video = await open(current.address);
    try {
      if (film !== current) return;
      current.duration = video.duration;
      show('running');
      const way = lanes();
      for await (const frame of frames(video)) {
        await current.gate;
        if (current.aborter.signal.aborted) break;
        await way.enter(() => add(current, frame));
      }
      await way.drain();
      current.aborter.signal.throwIfAborted(); // nothing was under way that could tell
    } finally {
      close(video);
    }
  };

  const start = async (file) => {
    forget();
    const current = {
      address: URL.createObjectURL(file),
      file: file.name,
      name: file.name.replace(/\.[^.]*$/, ''),
      samples: [],
      aborter: new AbortController(),
      gate: null,
    };
    film = current;
    show('opening');
    say('opening');
    find('player').src = current.address;
    try {
      await watch(current);
      if (film === current) say('done', { count: current.samples.length });
    } catch (error) {
      if (film !== current) return;
      if (current.aborter.signal.aborted) say('stopped');
      else say(error instanceof Unplayable ? 'unplayable' : 'failed');
    }
    if (film !== current) return;
    show('over');
    if (current.samples.length) await draw(true);
  };

  const pause = () => {
    if (film.state === 'paused') {
      film.release();
      film.gate = null;
      show('running');
    } else {
      film.gate = new Promise((resolve) => { film.release = resolve; });
      show('paused');
      say('paused');
    }
  };

  const keepCard = async () => {
    const Plotly = await window.moodlensCharts();
    const title = words.card.replace('{name}', film.name);
    save(await card(Plotly, film.samples, title, options()), 'moodlens-film.png');
  };

  element.addEventListener('keydown', walk);
  return {
    change: ({ target }) => {
      if (target === find('file')) {
        const [file] = target.files;
        target.value = ''; // the same file can be chosen again
        if (file) start(file);
      } else if (film?.samples.length) draw(true);
    },
    click: ({ target }) => {
      const clicked = target.closest('button');
      if (!clicked || !film) return;
      if (clicked === find('pause')) pause();
      else if (clicked === find('stop')) {
        film.aborter.abort();
        film.release?.();
      } else if (clicked === find('csv')) {
        save(csv(film.samples, film.file, columns), 'moodlens-film.csv');
      } else if (clicked === find('card')) keepCard();
      else if (clicked.dataset.seconds) jump(Number(clicked.dataset.seconds));
    },
    drop: ({ dataTransfer }) => {
      const [file] = dataTransfer.files;
      if (file) start(file);
    },
  };
};
