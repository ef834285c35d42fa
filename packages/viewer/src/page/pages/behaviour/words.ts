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

/** `1 run`, `2 runs`. Pure. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Name and path of the API for `alpha/kitchen/hour`. Pure. */
export function pathOf(base: string, name: string, more = ""): string {
  return `${base}/${name.split("/").map(encodeURIComponent).join("/")}${more}`;
}
