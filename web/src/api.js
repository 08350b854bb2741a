// One round of questions a second while the page can be seen, none while it cannot.

const PERIOD_MS = 1000;
const PATIENCE_MS = 5000;
const SLOWEST_MS = 8000;
const STALLS_ASKED = 300;

async function getJson(path) {
  // Not relative to the page's own address: with a password in it fetch() refuses to work.
  const response = await fetch(new URL(path, location.origin + location.pathname), {
    cache: 'no-store',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}

export class Poller {
  #timer = null;
  #running = false;
  #failures = 0;

  // onAnswer() after every good round, onFailure(error) after every bad one.
  constructor(model, onAnswer, onFailure) {
    this.model = model;
    this.onAnswer = onAnswer;
    this.onFailure = onFailure;
    document.addEventListener('visibilitychange', () => this.start());
  }

  start() {
    clearTimeout(this.#timer);
    if (!document.hidden && !this.#running) this.#round();
  }

  async #round() {
    this.#running = true;
    const began = performance.now();
    try {
      this.model.setState(await getJson('api/v1/loops'));
      const since = this.model.stallsSince();
      if (since !== null) {
        const path = `api/v1/stalls?limit=${STALLS_ASKED}&since=${since}`;
        this.model.setStalls(await getJson(path), since);
      }
      this.#failures = 0;
      this.onAnswer();
    } catch (error) {
      this.#failures++;
      this.onFailure(error);
    }
    this.#running = false;
    if (document.hidden) return;
    const period = Math.min(PERIOD_MS * 2 ** Math.min(this.#failures, 3), SLOWEST_MS);
    const left = period - (performance.now() - began);
    this.#timer = setTimeout(() => this.start(), Math.max(left, PERIOD_MS / 4));
  }
}
