/**
 * Calls `call` each `ms` until the returned function is called, at multiples of `ms` on a clock of the process: what
 * is due at one interval, or a multiple of it, is due at the same moment. To wake a process at rest costs more than
 * what it then does. Keeps no process alive.
 */
export function every(ms: number, call: () => void): () => void {
  let dueMs = 0;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const nowMs = performance.now();
    // A timer may be a fraction early.
    dueMs = Math.max(dueMs + ms, (Math.floor(nowMs / ms) + 1) * ms);
    timer = setTimeout(
      () => {
        arm();
        call();
      },
      Math.ceil(dueMs - nowMs),
    );
    timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}
