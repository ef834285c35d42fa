/** Waits for the user to say stop. */
export interface Asked {
  /** Resolves at the first SIGINT, SIGTERM or SIGHUP. */
  readonly promise: Promise<undefined>;
  yet(): boolean;
}

/** From now on a signal is a request, not the end of the process; a stop under way is not cut short by a second one. */
export function untilAsked(): Asked {
  let asked = false;
  const promise = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        asked = true;
        resolve(undefined);
      });
    }
  });
  return { promise, yet: () => asked };
}
