// What can be kept of a film: a table, and a card.
import { figure } from './chart.js';
import { shares } from './moments.js';

const SIZE = { width: 1200, height: 630 };
const MARGIN = 56;

// UTF-8 with a byte-order mark, so that spreadsheets read it right. All cells are our own numbers
// and names, so none can be a formula.
export const csv = (samples, emotions) => {
  const figures = ['neutral', 'ambiguity', 'valence', 'arousal', 'certainty'];
  const names = emotions.map(({ name }) => name);
  const head = ['seconds', 'new_shot', 'dominant_emotion', ...names, ...figures, 'model', 'revision'];
  const lines = samples.map((sample) => [
    sample.seconds.toFixed(2),
    sample.shot ? 1 : 0,
    sample.prediction.dominant_emotion,
    ...names.map((name) => shares(sample)[name]),
    ...figures.map((name) => sample.prediction[name] ?? ''),
    JSON.stringify(sample.model.name),
    sample.model.revision,
  ].join(','));
  return new Blob(['\ufeff', [head.join(','), ...lines, ''].join('\r\n')], { type: 'text/csv' });
};

const picture = (source) => new Promise((resolve, reject) => {
  const image = new Image();
  image.onload = () => resolve(image);
  image.onerror = reject;
  image.src = source;
});

export const card = async (Plotly, samples, title, options) => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, SIZE);
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, SIZE.width, SIZE.height);
  pen.fillStyle = '#26242b';
  pen.font = '700 38px system-ui, sans-serif';
  pen.fillText(title, MARGIN, 86, SIZE.width - 2 * MARGIN);
  const size = { width: SIZE.width - MARGIN, height: 430 };
  const { traces, layout } = figure(samples, { ...options, ink: '#26242b' });
  const drawn = await Plotly.toImage(
    { data: traces, layout: { ...layout, ...size } },
    { format: 'svg', ...size },
  );
  pen.drawImage(await picture(drawn), MARGIN / 2, 112, size.width, size.height);
  pen.fillStyle = '#615c55';
  pen.font = '19px system-ui, sans-serif';
  const { name, revision } = samples[0].model;
  const footer = `MoodLens · ${options.words.footer} · ${name} ${revision.slice(0, 12)}`;
  pen.fillText(footer, MARGIN, SIZE.height - 40, SIZE.width - 2 * MARGIN);
  return new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
};

export const save = (blob, name) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};
