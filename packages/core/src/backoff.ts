/**
 * How long to wait after failed attempt `attempt` (1 for the first): 2^attempt seconds, at most `maxMs`, spread by
 * ±20 % so that many nodes do not retry in step. Pure: `random` is 0 to 1.
 */
export function backoffMs(attempt: number, random: number, maxMs = 60_000): number {
  const plainMs = Math.min(1000 * 2 ** Math.min(attempt, 30), maxMs);
  return Math.round(plainMs * (0.8 + 0.4 * random));
}
