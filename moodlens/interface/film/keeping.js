// What can be kept of a film: a table, and a card.
import { figure } from './chart.js';
import { shares } from './moments.js';

const SIZE = { width: 1200, height: 630 };
const MARGIN = 56;

// A spreadsheet must not run a text as a formula (CWE-1236); the server defuses the same.
const FORMULA = /^ *[=+\-@\t\r\n|%＝＋－＠]/;
const text = (words) => {
  const harmless = FORMULA.test(words) ? `'${words}` : words;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

// The table that `moodlens score` makes of a film, but for the hashes. UTF-8 with a byte-order mark,
// so that spreadsheets read it right.
export const csv = (samples, file, columns) => {
  const lines = samples.map((sample) => {
    const seconds = Number(sample.seconds.toFixed(3));
    const cells = {
      ...sample.prediction,
      ...shares(sample),
      file: text(`${file}#t=${seconds}`),
      seconds,
      new_shot: sample.shot ? 1 : 0,
      model: text(sample.model.name),
      revision: text(sample.model.revision),
    };
    return columns.map((name) => cells[name] ?? '').join(',');
  });
  return new Blob(['\ufeff', [columns.join(','), ...lines, ''].join('\n')], { type: 'text/csv' });
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
  pen.direction = document.documentElement.dir || 'ltr';
  const start = pen.direction === 'rtl' ? SIZE.width - MARGIN : MARGIN;
  pen.fillText(title, start, 86, SIZE.width - 2 * MARGIN);
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
  pen.fillText(footer, start, SIZE.height - 40, SIZE.width - 2 * MARGIN);
  return new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
};

export const save = (blob, name) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};
