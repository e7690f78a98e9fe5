// Puts what arrives into the places that it names: HTML as it is; figures are drawn by Gradio's
// Plotly, again and again into the same element.
const placeOf = (id) => element.querySelector(`#${id}`);

// A part that arranges its figures in some way puts a function of its own here.
let arranged = (figure) => figure;

const draw = async (id, json) => {
  const Plotly = await window.moodlensCharts();
  if (props.value?.[id] !== json) return; // another came meanwhile
  const { data, layout } = arranged(JSON.parse(json));
  Plotly.react(placeOf(id).firstElementChild, data, layout, {
    responsive: true, displayModeBar: false,
  });
};

const fill = () => {
  for (const [id, content] of Object.entries(props.value || {})) {
    const place = placeOf(id);
    if (place.matches('.ml-plot')) draw(id, content);
    else place.innerHTML = content;
  }
};

watch('value', fill);
queueMicrotask(fill); // whatever follows here comes first
