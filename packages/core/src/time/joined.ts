/** The sources of each joined signal. */
const SOURCES = new WeakMap<AbortSignal, readonly AbortSignal[]>();

/**
 * Aborts as soon as one of these signals does, with its reason. `AbortSignal.any()` refers to its sources weakly:
 * Node 20 collects a caller's `AbortSignal.timeout()` without other references, and it never aborts.
 */
export function joined(signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals]);
  SOURCES.set(signal, signals);
  return signal;
}
