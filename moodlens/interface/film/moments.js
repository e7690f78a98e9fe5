// What stands out in a film's samples. Each has `seconds`, `shot` and the API's `prediction`.
const MOST = 5;
const LEAST = 0.005; // what is less is told as 0 %

export const shares = (sample) => sample.prediction.probability_distribution;

// Each share as the mean over the neighbours of the same shot, up to a second away.
export const smoothed = (samples, value) => {
  const shot = [];
  samples.reduce((number, sample, i) => {
    shot[i] = number + (sample.shot ? 1 : 0);
    return shot[i];
  }, 0);
  return samples.map((sample, i) => {
    let [sum, weight] = [0, 0];
    for (const direction of [-1, 1]) {
      for (let j = direction < 0 ? i : i + 1; j >= 0 && j < samples.length; j += direction) {
        const away = Math.abs(samples[j].seconds - sample.seconds);
        if (away > 1 || shot[j] !== shot[i]) break;
        sum += (1.01 - away) * value(samples[j]);
        weight += 1.01 - away;
      }
    }
    return sum / weight;
  });
};

// Half the sum of what the shares gain and lose: 0 for no change, 1 for another film.
const change = (sample, before) => {
  if (!before) return 0;
  const [now, then] = [shares(sample), shares(before)];
  return Object.keys(now).reduce((sum, name) => sum + Math.abs(now[name] - then[name]) / 2, 0);
};

// The strongest moments by `change`, `ambiguity` or one emotion, in the film's order, not too close.
export const strongest = (samples, by) => {
  const score = (sample, i) => {
    if (by === 'change') return change(sample, samples[i - 1]);
    return by === 'ambiguity' ? sample.prediction.ambiguity : shares(sample)[by];
  };
  const last = samples.at(-1)?.seconds ?? 0;
  const apart = Math.max(1, last / 30);
  const found = [];
  const ranked = samples
    .map((sample, i) => ({ sample, value: score(sample, i) }))
    .filter((moment) => moment.value >= LEAST)
    .sort((one, other) => other.value - one.value);
  for (const moment of ranked) {
    const near = found.some((f) => Math.abs(f.sample.seconds - moment.sample.seconds) < apart);
    if (!near) found.push(moment);
    if (found.length === MOST) break;
  }
  return found.sort((one, other) => one.sample.seconds - other.sample.seconds);
};
