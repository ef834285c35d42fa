/** How far a part has got in work that never ends. */
export interface Progress {
  /** Since it last got round, or found that there was nothing to do. */
  readonly sinceMs: number;
  /** Longer than this is never right: each step of the work has a limit of its own, and they sum up to less. */
  readonly limitMs: number;
}

const LIMIT_MS = 120_000;

/** Notes when work gets round, for a part's `progress()`. */
export class Rounds {
  readonly #limitMs: number;
  #lastMs: number | undefined;

  /** @param limitMs See {@link Progress}. */
  constructor(limitMs: number = LIMIT_MS) {
    this.#limitMs = limitMs;
  }

  /** The work has got round, or has begun. */
  done(): void {
    this.#lastMs = performance.now();
  }

  /** Nothing is to be done until it begins again. */
  rest(): void {
    this.#lastMs = undefined;
  }

  get progress(): Progress {
    const sinceMs = this.#lastMs === undefined ? 0 : performance.now() - this.#lastMs;
    return { sinceMs, limitMs: this.#limitMs };
  }
}

/** Why a part is stuck, or nothing. Pure. */
export function whyStuck({ sinceMs, limitMs }: Progress): string | undefined {
  if (sinceMs <= limitMs) return undefined;
  return `has got nowhere for ${Math.round(sinceMs / 1000)} s; ${Math.round(limitMs / 1000)} s are its limit`;
}
