/** The time, and calls at a time. Real for a mesh; a test or a simulation has one of its own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `call` once it is `ms`, never before this function has returned. The returned function cancels it. */
  at(ms: number, call: () => void): () => void;
}

/** A clock that was set forward, or a machine that slept, is noticed within this time. */
const MAX_DELAY_MS = 30_000;

/** The machine's clock. A wait for it keeps no process alive. */
export const REAL_CLOCK: Clock = {
  now: () => Date.now(),
  at: (ms, call) => {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = ms - Date.now();
      // A clock that was set back, or a very long wait: the time has not come yet.
      timer = setTimeout(
        () => (Date.now() >= ms ? call() : arm()),
        Math.min(Math.max(leftMs, 0), MAX_DELAY_MS),
      );
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};
