import { MeshError } from "@adaos/core";

/**
 * Runs `work` under a signal that fires with MeshError `unavailable` (`what`, then the limit) after `limitMs`, or
 * with the outer signal's reason when that fires first. `work` must heed the signal.
 */
export async function withTimeLimit<T>(
  limitMs: number,
  what: string,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const inner = new AbortController();
  const forward = (): void => inner.abort(outer?.reason);
  outer?.addEventListener("abort", forward, { once: true });
  const timer = setTimeout(() => {
    inner.abort(new MeshError("unavailable", `${what} within ${limitMs / 1000} s`));
  }, limitMs);
  try {
    return await work(inner.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", forward);
  }
}
