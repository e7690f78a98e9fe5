// The order of the bars is the viewer's: nobody has to be asked for it.
arranged = (figure) => {
  if (!element.querySelector('#order [value=sorted]').checked) return figure;
  const [bars] = figure.data;
  const places = bars.x.map((_, place) => place).sort((a, b) => bars.x[b] - bars.x[a]);
  const sorted = (list) => places.map((place) => list[place]);
  const { x, y, text, hovertext, marker } = bars;
  return {
    ...figure,
    data: [{
      ...bars,
      x: sorted(x),
      y: sorted(y),
      text: sorted(text),
      hovertext: sorted(hovertext),
      marker: { ...marker, color: sorted(marker.color) },
    }],
  };
};

placeOf('order').addEventListener('change', () => {
  if (props.value) draw('bars', props.value.bars);
});
