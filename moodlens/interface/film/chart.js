// The six shares over time, and valence as a line beneath them, by the page's own Plotly.
import { shares, smoothed } from './moments.js';

const GRID = 'rgba(128, 128, 128, 0.22)';

const series = (samples, value, smooth) => (
  smooth ? smoothed(samples, value) : samples.map(value)
);

export const figure = (samples, { words, emotions, stacked, smooth, ink }) => {
  const seconds = samples.map((sample) => sample.seconds);
  const traces = emotions.map(({ name, label, colour }) => ({
    type: 'scatter',
    mode: 'lines',
    name: label,
    x: seconds,
    y: series(samples, (sample) => shares(sample)[name], smooth),
    line: { color: colour, width: stacked ? 0.5 : 2.5 },
    ...(stacked ? { stackgroup: 'shares', fillcolor: colour } : {}),
    hovertemplate: `%{y:.0%} ${label}<extra></extra>`,
  }));
  traces.push({
    type: 'scatter',
    mode: 'lines',
    name: words.valence,
    x: seconds,
    y: series(samples, (sample) => sample.prediction.valence, smooth),
    yaxis: 'y2',
    line: { color: '#8b857c', width: 2 },
    showlegend: false,
    hovertemplate: `${words.valence} %{y:.1f}<extra></extra>`,
  });
  const axis = { fixedrange: true, gridcolor: GRID, zeroline: false };
  const layout = {
    height: 420,
    autosize: true,
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: 'system-ui, sans-serif', size: 13, color: ink },
    margin: { l: 52, r: 10, t: 10, b: 40 },
    hovermode: 'x unified',
    hoverdistance: -1, // the nearest sample, however far apart they are
    dragmode: false,
    separators: words.separators,
    legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 0, traceorder: 'normal' },
    xaxis: { ...axis, anchor: 'y2', title: { text: words.seconds }, rangemode: 'tozero' },
    yaxis: {
      ...axis, domain: [0.32, 1], tickformat: '.0%', rangemode: 'tozero',
      ...(stacked ? { range: [0, 1] } : {}),
    },
    yaxis2: {
      ...axis, domain: [0, 0.22], range: [0.4, 9.6], tickvals: [1, 5, 9],
      title: { text: words.valence },
    },
  };
  return { traces, layout };
};
