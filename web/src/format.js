// Figures and foreign text as people read them.

const MAX_SHOWN = 120;

// A duration with its unit; '–' for what is not known.
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 1e-6) return '0';
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 120) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export function percent(share) {
  if (!Number.isFinite(share)) return '–';
  const value = 100 * share;
  if (value === 0) return '0 %';
  if (value < 0.1) return '< 0.1 %';
  return `${value.toFixed(value < 9.95 ? 1 : 0)} %`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

// The time of day of a number of seconds since 1970.
export function clock(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  return new Date(seconds * 1000).toLocaleTimeString([], { hourCycle: 'h23' });
}

// Characters that would be invisible or reorder their neighbours, made visible.
function visible(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  return `\\u{${code.toString(16)}}`;
}

// A name from a watched process as text for one line: control and formatting characters
// shown as such, the middle of a long one left out. It is still to be set as text, never
// as markup.
export function shown(text, max = MAX_SHOWN) {
  if (text === null || text === undefined) return '';
  let kept = String(text);
  if (kept.length > max) {
    const tail = Math.floor(max / 2);
    kept = `${kept.slice(0, max - tail - 1)}…${kept.slice(-tail)}`;
  }
  return kept.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, visible);
}

// "file:line", either of which may be missing; a line of a text that is not the file's says so.
export function place(file, line, max = MAX_SHOWN, generated = null) {
  const text = [shown(file, max), line].filter(Boolean).join(':');
  return line || !generated ? text : [text, `(generated line ${generated})`].filter(Boolean).join(' ');
}

// "shop 1 (pid 42)": slot 1 of the processes of that name.
export function processName({ process, slot, pid }) {
  return `${shown(process, 40)} ${slot} (pid ${pid})`;
}

// "shop 1 (pid 42) main": which loop a figure is of.
export function loopName(loop) {
  return `${processName(loop)} ${shown(loop.loop, 24)}`;
}
