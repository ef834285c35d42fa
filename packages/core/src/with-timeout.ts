import { MeshError } from "./errors.ts";

/**
 * Runs something with a deadline. What answers at once costs no timer.
 * Rejects with `timeout` when it is over; the signal is aborted then, or when `outer` is, with its reason.
 */
export async function withTimeout<T>(
  what: string,
  timeoutMs: number,
  run: (signal: AbortSignal) => T | PromiseLike<T>,
  outer?: AbortSignal,
): Promise<T> {
  const abort = new AbortController();
  const returned = run(abort.signal);
  if (!isThenable(returned)) return returned;
  const answer = Promise.resolve(returned);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const end = (reason: unknown): void => {
      abort.abort(reason);
      reject(reason);
    };
    timer = setTimeout(
      () => end(new MeshError("timeout", `${what} ran longer than ${timeoutMs} ms`)),
      timeoutMs,
    );
    onAbort = () => end(outer?.reason);
    outer?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    // The race also takes note of a rejection that comes after the deadline, so it is never an unhandled one.
    return await Promise.race([answer, deadline]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) outer?.removeEventListener("abort", onAbort);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
