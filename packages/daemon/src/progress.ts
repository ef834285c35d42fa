/** The progress of a part in work that never ends. */
export interface Progress {
  /** Time since its last complete round, or since it found nothing to do. */
  readonly sinceMs: number;
  /** A longer time is always a fault: each step has a limit of its own, and their sum is less. */
  readonly limitMs: number;
}

const LIMIT_MS = 120_000;

/** Records complete rounds of work, for a part's `progress()`. */
export class Rounds {
  readonly #limitMs: number;
  #lastMs: number | undefined;

  /** @param limitMs See {@link Progress}. */
  constructor(limitMs: number = LIMIT_MS) {
    this.#limitMs = limitMs;
  }

  /** The work has completed a round, or has begun. */
  done(): void {
    this.#lastMs = performance.now();
  }

  /** There is nothing to do until the work begins again. */
  rest(): void {
    this.#lastMs = undefined;
  }

  get progress(): Progress {
    const sinceMs = this.#lastMs === undefined ? 0 : performance.now() - this.#lastMs;
    return { sinceMs, limitMs: this.#limitMs };
  }
}

/** Why a part is stuck; undefined when it is not. Pure. */
export function whyStuck({ sinceMs, limitMs }: Progress): string | undefined {
  if (sinceMs <= limitMs) return undefined;
  return `has got nowhere for ${Math.round(sinceMs / 1000)} s; ${Math.round(limitMs / 1000)} s are its limit`;
}
