const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** `250 ms`, `1.5 s`, `3m 20s`, `2d 4h`: the two largest units. Pure. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`;
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[at] ?? UNITS[2];
  const [smaller, part] = UNITS[at + 1] ?? UNITS[3];
  const rest = Math.floor((ms % size) / part);
  return `${Math.floor(ms / size)}${unit}${rest === 0 ? "" : ` ${rest}${smaller}`}`;
}

/** `in 3m 20s`, `2h ago`. Pure. */
export function distanceText(at: string, nowMs: number): string {
  const ms = Date.parse(at) - nowMs;
  if (!Number.isFinite(ms)) return "";
  return ms >= 0 ? `in ${spanText(ms)}` : `${spanText(-ms)} ago`;
}

/** `12 ms`, `1.4 s`, `3.2 min`: a measured time. Pure. */
export function tookText(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1000) return `${Number.isInteger(ms) ? ms : ms.toFixed(size < 10 ? 1 : 0)} ms`;
  if (size < 60_000) return `${(ms / 1000).toFixed(size < 10_000 ? 2 : 1)} s`;
  if (size < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
