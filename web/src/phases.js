// What a phase looks like. The colours are those of Okabe and Ito, which people with any
// kind of colour vision tell apart; each has a pattern of its own besides.

export const PHASES = [
  'timers', 'pending', 'idle_prepare', 'poll', 'check', 'closing', 'unknown', 'poll_wait',
];
// From the bottom of a strip up; waiting is its background.
export const BUSY_PHASES = PHASES.slice(0, -1);

const LOOKS = {
  timers: { label: 'timers', colour: '#0072b2', pattern: 'plain' },
  pending: { label: 'pending', colour: '#cc79a7', pattern: 'dots' },
  idle_prepare: { label: 'idle/prepare', colour: '#f0e442', pattern: 'horizontal' },
  poll: { label: 'poll callbacks', colour: '#e69f00', pattern: 'rising' },
  check: { label: 'check', colour: '#009e73', pattern: 'vertical' },
  closing: { label: 'closing', colour: '#d55e00', pattern: 'falling' },
  unknown: { label: 'phase unknown', colour: '#8a8f98', pattern: 'crossed' },
  poll_wait: { label: 'waiting', colour: null, pattern: 'plain' }, // the theme's
};

export function look(phase) {
  return LOOKS[phase] ?? LOOKS.unknown;
}

const TILE = 8;
const MARKS = {
  plain: () => {},
  dots: (c) => {
    c.fillRect(1, 1, 2, 2);
    c.fillRect(5, 5, 2, 2);
  },
  horizontal: (c) => {
    c.fillRect(0, 1, TILE, 1.5);
    c.fillRect(0, 5, TILE, 1.5);
  },
  vertical: (c) => {
    c.fillRect(1, 0, 1.5, TILE);
    c.fillRect(5, 0, 1.5, TILE);
  },
  rising: (c) => diagonal(c, (x) => TILE - x),
  falling: (c) => diagonal(c, (x) => x),
  crossed: (c) => {
    diagonal(c, (x) => x);
    diagonal(c, (x) => TILE - x);
  },
};

// One line through the tile and its corners' continuations, so that tiles join.
function diagonal(c, y) {
  c.lineWidth = 1.5;
  c.beginPath();
  for (const shift of [-TILE, 0, TILE]) {
    c.moveTo(-1 + shift, y(-1));
    c.lineTo(TILE + 1 + shift, y(TILE + 1));
  }
  c.stroke();
}

// The fills of all phases for one canvas context: {phase: pattern}.
export function fills(context, waitColour) {
  const result = {};
  for (const phase of PHASES) {
    const { colour, pattern } = look(phase);
    const tile = context.canvas.ownerDocument.createElement('canvas');
    tile.width = TILE;
    tile.height = TILE;
    const c = tile.getContext('2d');
    c.fillStyle = colour ?? waitColour;
    c.fillRect(0, 0, TILE, TILE);
    c.fillStyle = 'rgba(0, 0, 0, 0.45)';
    c.strokeStyle = 'rgba(0, 0, 0, 0.45)';
    MARKS[pattern](c);
    result[phase] = context.createPattern(tile, 'repeat');
  }
  return result;
}
