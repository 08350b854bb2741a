// A loop's last two minutes: time goes to the right, the shares of the phases are stacked.
// Between two answers only sums are known, so a second is one column; a stall's begin and
// end are known exactly, so it is drawn over the columns at full height.

import { COLUMN } from './history.js';
import { BUSY_PHASES, PHASES } from './phases.js';

const MARK_HEIGHT = 5; // the stripe above the strip that says "stall"
const MIN_STALL_WIDTH = 2;
const NOTHING_SECONDS = 1e-6; // what subtractions of clock readings leave over

// The part of [begin, end] inside [from, to]; 0 if none.
function overlap(begin, end, from, to) {
  return Math.max(0, Math.min(end, to) - Math.max(begin, from));
}

// The end of a stall as drawn: one in progress lasts until now.
const endOf = (stall, now) => (stall.in_progress ? Math.max(stall.end, now) : stall.end);

// [{begin, end, shares}] for the rows of `ring` inside the window, `shares` by index of
// PHASES. Time in stalls is taken out, as that is drawn by itself.
export function columns(ring, stalls, from, to) {
  const result = [];
  for (let row = 0; row < ring.length; row++) {
    const begin = ring.at(row, COLUMN.begin);
    const end = ring.at(row, COLUMN.end);
    if (end <= from || begin >= to) continue;
    const seconds = PHASES.map((_, i) => ring.at(row, COLUMN.phases + i));
    for (const stall of stalls) {
      const i = PHASES.indexOf(stall.phase);
      if (i >= 0) seconds[i] -= overlap(begin, end, stall.begin, endOf(stall, to));
    }
    const rest = seconds.map((s) => (s < NOTHING_SECONDS ? 0 : s));
    const sum = rest.reduce((a, b) => a + b, 0);
    result.push({ begin, end, shares: rest.map((s) => (sum > 0 ? s / sum : 0)) });
  }
  return result;
}

// What the strip shows, in words.
export function summary(ring, stalls, words) {
  if (ring.length === 0) return 'no figures yet';
  const totals = PHASES.map((_, i) =>
    ring.column(COLUMN.phases + i).reduce((a, b) => a + b, 0));
  const all = totals.reduce((a, b) => a + b, 0);
  const parts = PHASES.map((phase, i) => [words.label(phase), totals[i] / all])
    .filter(([, share]) => share >= 0.001)
    .sort((a, b) => b[1] - a[1])
    .map(([label, share]) => `${label} ${words.percent(share)}`);
  const longest = Math.max(0, ...stalls.map((s) => s.duration_seconds));
  const stalled = stalls.length === 0
    ? 'no stall'
    : `${words.plural(stalls.length, 'stall')}, the longest ${words.duration(longest)}`;
  return `last two minutes: ${parts.join(', ')}; ${stalled}`;
}

// The canvas as large as it is shown, in device pixels; its context scaled to CSS pixels.
function prepare(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d', { alpha: false });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}

// `paint`: {fills(context), background, alarm, grid}.
export function drawStrip(canvas, ring, stalls, from, to, paint) {
  const { context, width, height } = prepare(canvas);
  if (width === 0) return;
  const fill = paint.fills(context);
  const x = (time) => ((time - from) / (to - from)) * width;
  context.fillStyle = paint.background;
  context.fillRect(0, 0, width, height);

  for (const { begin, end, shares } of columns(ring, stalls, from, to)) {
    const left = Math.floor(x(begin));
    const right = Math.max(left + 1, Math.floor(x(end)));
    context.fillStyle = fill.poll_wait;
    context.fillRect(left, MARK_HEIGHT, right - left, height - MARK_HEIGHT);
    let bottom = height;
    BUSY_PHASES.forEach((phase, i) => {
      if (shares[i] === 0) return;
      const tall = shares[i] * (height - MARK_HEIGHT);
      context.fillStyle = fill[phase];
      context.fillRect(left, bottom - tall, right - left, tall);
      bottom -= tall;
    });
  }

  context.fillStyle = paint.grid;
  for (let t = Math.ceil(from / 30) * 30; t < to; t += 30) context.fillRect(x(t), 0, 1, height);

  for (const stall of stalls) {
    const left = Math.max(0, x(stall.begin));
    const wide = Math.max(MIN_STALL_WIDTH, x(endOf(stall, to)) - left);
    context.fillStyle = fill[stall.phase] ?? fill.unknown;
    context.fillRect(left, MARK_HEIGHT, wide, height - MARK_HEIGHT);
    context.fillStyle = paint.alarm;
    context.fillRect(left, 0, wide, MARK_HEIGHT - 1);
  }
}
