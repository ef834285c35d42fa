/**
 * Time to collect acknowledgements. One wakes two servers, which costs them as much as an event does. Never delays more
 * than a part of a durable's unacknowledged messages.
 */
const GATHER_MS = 8;
const MANY = 128;

/** Runs an action once for several calls within a moment. */
export class Gather {
  readonly #act: () => void;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;

  constructor(act: () => void) {
    this.#act = act;
  }

  ask(): void {
    if (++this.#count >= MANY && !this.#isDue) {
      this.#isDue = true;
      setImmediate(() => this.act());
    } else this.#timer ??= setTimeout(() => this.act(), GATHER_MS);
  }

  /** Runs the action now, whether or not it was asked for. */
  act(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    this.#count = 0;
    this.#act();
  }
}
