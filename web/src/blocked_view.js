// The counter of the loop that is blocked for the longest time right now.

import { byId, setClass, setText } from './dom.js';
import { duration, loopName, place, plural, shown } from './format.js';
import { look } from './phases.js';

const STEP_MS = 100;
// Past the last answer the counter may run on for so long; then it would be a guess.
const RUN_ON_SECONDS = 3;
// Shorter blocks are not read out: they would be over before the sentence is.
const SPOKEN_SECONDS = 1;

export class BlockedView {
  #model;
  #timer = null;
  #spoken = new Map();

  constructor(model) {
    this.#model = model;
    document.addEventListener('visibilitychange', () => this.#run());
  }

  render() {
    const blocked = this.#model.blocked();
    const [first] = blocked;
    setClass(byId('blocked'), 'alarm', blocked.length > 0);
    this.#run();
    setText(byId('blocked-where'), first === undefined
      ? 'No loop is blocked.' : `${loopName(first.now)}, in ${look(first.now.phase).label}`);
    const { function: name, file, line, generated_line: generated, detail } = first?.stall ?? {};
    const at = place(file, line, 80, generated);
    setText(byId('blocked-who'), [
      name ? `${shown(name, 80)} at ${at}` : at,
      shown(detail, 100),
    ].filter(Boolean).join(', '));
    setText(byId('blocked-more'), blocked.length > 1
      ? `${plural(blocked.length, 'loop')} are blocked.` : '');
    document.title = first === undefined
      ? 'Loopscope' : `Blocked: ${shown(first.now.process, 30)} – Loopscope`;
    this.#speak(blocked);
  }

  #run() {
    clearInterval(this.#timer);
    this.#timer = null;
    const isBlocked = this.#model.blocked().length > 0;
    if (isBlocked && !document.hidden) this.#timer = setInterval(() => this.#count(), STEP_MS);
    this.#count();
  }

  #count() {
    const [first] = this.#model.blocked();
    const since = Math.min((performance.now() - this.#model.heardAt) / 1000, RUN_ON_SECONDS);
    setText(byId('blocked-time'),
      first === undefined ? '0 s' : `${(first.now.blocked_seconds + since).toFixed(1)} s`);
  }

  // Says once that a loop is blocked and once that it no longer is.
  #speak(blocked) {
    const now = new Map(blocked
      .filter((loop) => loop.now.blocked_seconds >= SPOKEN_SECONDS)
      .map((loop) => [loop.key, loopName(loop.now)]));
    const began = [...now].filter(([key]) => !this.#spoken.has(key)).map(([, name]) => name);
    const ended = [...this.#spoken].filter(([key]) => !now.has(key)).map(([, name]) => name);
    this.#spoken = now;
    const some = (names, what) => (names.length === 0 ? ''
      : `${names.length > 3 ? plural(names.length, 'loop') : names.join(', ')} ${what}. `);
    const words = some(began, `blocked for over ${duration(SPOKEN_SECONDS)}`)
      + some(ended, 'no longer blocked');
    if (words !== '') setText(byId('spoken'), words.trim());
  }
}
