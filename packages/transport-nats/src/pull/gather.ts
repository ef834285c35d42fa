/**
 * An acknowledgement wakes two servers, which costs them as much as an event does: it waits so long for others, and
 * never for more than a part of what a durable may have unacknowledged.
 */
const GATHER_MS = 8;
const MANY = 128;

/** Does once what is asked for several times within a moment. */
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

  /** Does it now, whether or not it was asked for. */
  act(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    this.#count = 0;
    this.#act();
  }
}
