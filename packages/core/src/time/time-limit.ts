import { MeshError } from "../language/errors.ts";

/** Lets a run see when its time is up. */
export interface TimedRun {
  /** Aborted when the time is up. */
  readonly signal: AbortSignal;
}

/**
 * Limits how long something may run, however many at a time. All runs share a timer, and a synchronous run needs
 * none. It uses a monotonic clock.
 */
export class TimeLimit {
  readonly #what: string;
  readonly #limitMs: number;
  /** In the order in which their time is up. */
  readonly #running = new Set<Run>();
  #timer: NodeJS.Timeout | undefined;

  /** @param what Names it in the error: "handler". */
  constructor(what: string, limitMs: number) {
    this.#what = what;
    this.#limitMs = limitMs;
  }

  /**
   * Returns or throws at once if `action` is synchronous, else returns a promise. The promise rejects with
   * `timeout` when the time is up, or with the reason of `outer` when that aborts; the run's signal is aborted
   * then.
   */
  run<T>(action: (run: TimedRun) => T | PromiseLike<T>, outer?: AbortSignal): T | Promise<T> {
    const run = new Run(performance.now() + this.#limitMs);
    const returned = action(run);
    if (!isThenable(returned)) return returned;
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => run.end(outer?.reason);
      const done = (): void => {
        outer?.removeEventListener("abort", onAbort);
        this.#forget(run);
      };
      run.onEnd = (reason) => {
        done();
        reject(reason);
      };
      this.#running.add(run);
      this.#timer ??= setTimeout(() => this.#sweep(), this.#limitMs);
      outer?.addEventListener("abort", onAbort, { once: true });
      // The action may already have aborted it.
      if (outer?.aborted === true) onAbort();
      // This also handles a rejection after the end, so that it is never unhandled.
      returned.then(
        (value) => {
          done();
          resolve(value);
        },
        (reason) => {
          done();
          reject(reason);
        },
      );
    });
  }

  #forget(run: Run): void {
    this.#running.delete(run);
    if (this.#running.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const nowMs = performance.now();
    this.#timer = undefined;
    for (const run of this.#running) {
      if (run.untilMs - nowMs >= 1) {
        this.#timer = setTimeout(() => this.#sweep(), Math.ceil(run.untilMs - nowMs));
        return;
      }
      run.end(new MeshError("timeout", `${this.#what} ran longer than ${this.#limitMs} ms`));
    }
  }
}

/** Creates its signal on first use, since few runs use it. */
class Run implements TimedRun {
  readonly untilMs: number;
  onEnd: ((reason: unknown) => void) | undefined;
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor(untilMs: number) {
    this.untilMs = untilMs;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    }
    return this.#controller.signal;
  }

  end(reason: unknown): void {
    this.#ended = { reason };
    this.#controller?.abort(reason);
    this.onEnd?.(reason);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
