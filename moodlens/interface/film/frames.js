// Frames of a film, by a <video> that nobody sees. The film itself never leaves the browser.
const SIDE = 480; // pixels of the shorter side that is sent
const THUMBNAIL = 72; // pixels high
const TINY = { width: 16, height: 9 };
const CUT = 0.16; // mean difference, 0 to 1, from which two frames belong to different shots
const PATIENCE_MS = 60000; // for one step of a busy machine
const HALVINGS = 4;

export class Unplayable extends Error {}

// Seconds between two samples: four a second for a short film, and never more than 600 in all.
export const pace = (duration) => {
  if (duration <= 30) return 0.25;
  if (duration <= 120) return 0.5;
  return Math.max(1, duration / 600);
};

const once = (video, event, milliseconds) => new Promise((resolve, reject) => {
  const settle = (act, value) => {
    clearTimeout(timer);
    video.removeEventListener(event, done);
    video.removeEventListener('error', failed);
    act(value);
  };
  const done = () => settle(resolve);
  const failed = () => settle(reject, new Unplayable());
  const timer = setTimeout(failed, milliseconds);
  video.addEventListener(event, done);
  video.addEventListener('error', failed);
});

const seek = async (video, seconds) => {
  const arrived = once(video, 'seeked', PATIENCE_MS);
  video.currentTime = seconds;
  await arrived;
};

// What a recorder wrote in one go does not say how long it is: its end has to be looked for.
const findDuration = async (video) => {
  if (Number.isFinite(video.duration)) return;
  const known = once(video, 'durationchange', PATIENCE_MS);
  video.currentTime = Number.MAX_SAFE_INTEGER;
  await known;
  while (!Number.isFinite(video.duration)) await once(video, 'durationchange', PATIENCE_MS);
};

// Browsers keep what a video has decoded until its source is gone.
export const close = (video) => {
  video.removeAttribute('src');
  video.load();
};

export const open = async (address) => {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.preload = 'auto';
  const loaded = once(video, 'loadeddata', PATIENCE_MS);
  video.src = address;
  try {
    await loaded;
    if (!video.videoWidth) throw new Unplayable();
    await findDuration(video);
    return video;
  } catch (error) {
    close(video);
    throw error;
  }
};

const drawn = (video, width, height) => {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  canvas.getContext('2d', { willReadFrequently: true })
    .drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
};

const blob = (canvas, quality) => new Promise((resolve) => {
  canvas.toBlob(resolve, 'image/jpeg', quality);
});

const glance = (video) => {
  const { width, height } = TINY;
  return drawn(video, width, height).getContext('2d').getImageData(0, 0, width, height).data;
};

export const difference = (one, other) => {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += Math.abs(one[i] - other[i]);
  return sum / (255 * 0.75 * one.length); // a quarter of the values is opacity
};

// Between two different frames: the moment from which on the picture is rather the second.
const findCut = async (video, before, after) => {
  let [low, high] = [before.seconds, after.seconds];
  for (let i = 0; i < HALVINGS; i += 1) {
    const middle = (low + high) / 2;
    await seek(video, middle);
    const look = glance(video);
    if (difference(look, before.look) < difference(look, after.look)) low = middle;
    else high = middle;
  }
  return high;
};

const sample = async (video, seconds, shot) => {
  const { videoWidth: width, videoHeight: height } = video;
  const scale = Math.min(1, SIDE / Math.min(width, height));
  return {
    seconds,
    shot,
    picture: await blob(drawn(video, width * scale, height * scale), 0.85),
    thumbnail: await blob(drawn(video, (THUMBNAIL * width) / height, THUMBNAIL), 0.7),
  };
};

// The samples of a film in order: at a steady pace, and one at the start of each shot.
export async function* frames(video) {
  const step = pace(video.duration);
  let before = null;
  for (let seconds = 0; seconds < video.duration; seconds += step) {
    await seek(video, seconds);
    const now = { seconds, look: glance(video) };
    const cut = before !== null && difference(before.look, now.look) > CUT;
    if (cut) {
      const first = await findCut(video, before, now);
      if (first < seconds) {
        await seek(video, first);
        yield await sample(video, first, true);
      }
      await seek(video, seconds);
      yield await sample(video, seconds, first === seconds);
    } else {
      yield await sample(video, seconds, before === null);
    }
    before = now;
  }
}
