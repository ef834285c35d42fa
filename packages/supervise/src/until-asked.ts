/** Waits for the user's signal to stop. */
export interface Asked {
  /** Resolves at the first SIGINT, SIGTERM or SIGHUP. */
  readonly promise: Promise<undefined>;
  yet(): boolean;
}

/** From now on a signal is a request and does not end the process; a second signal does not cut a stop short. */
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
