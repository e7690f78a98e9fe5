// Draws one figure after the other into the same element, with Gradio's Plotly.
const place = element.firstElementChild;

const draw = async () => {
  if (!props.value) return;
  const Plotly = await window.moodlensCharts();
  const { data, layout } = JSON.parse(props.value);
  Plotly.react(place, data, layout, { responsive: true, displayModeBar: false });
};

watch('value', draw);
draw();
