/**
 * Calls `call` every `ms` until the returned function is called, at multiples of `ms` on the process's clock. So
 * calls of equal or multiple intervals fall on the same moment: waking an idle process costs more than its work
 * then. The timer keeps no process alive.
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
