/** What a joined signal was made of. */
const SOURCES = new WeakMap<AbortSignal, readonly AbortSignal[]>();

/**
 * Aborts as soon as one of these does, with its reason. `AbortSignal.any()` holds its sources weakly: a caller's
 * `AbortSignal.timeout()` to which nothing else refers is collected by Node 20, and never aborts.
 */
export function joined(signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals]);
  SOURCES.set(signal, signals);
  return signal;
}
