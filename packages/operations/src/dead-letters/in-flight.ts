import { delay } from "@adaos/core/wire";
/** How many at a time, and how fast. */
export interface Pace {
  readonly maxInFlight: number;
  /** Started a second. @default as many as can be */
  readonly perSecond?: number | undefined;
}

/** Starts `act` on each item in order, some of them at a time. `act` must not reject. Resolves when all have ended. */
export async function inFlight<T>(
  items: AsyncIterable<T>,
  { maxInFlight, perSecond }: Pace,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const startedMs = performance.now();
  let started = 0;
  try {
    for await (const item of items) {
      const dueMs = perSecond === undefined ? 0 : startedMs + (started * 1000) / perSecond;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await delay(waitMs);
      started++;
      const one: Promise<void> = act(item).finally(() => running.delete(one));
      running.add(one);
      if (running.size >= maxInFlight) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
}
