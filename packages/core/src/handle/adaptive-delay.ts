import type { KnownCures } from "./cure-times.ts";
import { plainDelayMs, type RetryPolicy } from "./retry-policy.ts";

/** The facts that an adaptive wait is made from: the known cures, and how long the event has failed already. */
export interface Learned {
  readonly cures: KnownCures;
  /** Milliseconds from the first failed attempt to this one. */
  readonly failedMs: number;
}

/** A wait, and why it is so long. */
export interface AdaptiveDelay {
  readonly delayMs: number;
  readonly because: string;
}

/** With fewer cures of the last hour nothing is known. */
const LEAST_CURES = 5;
/** The share of failures that have passed by the second attempt, by the third, and so on. */
const SHARES = [0.5, 0.75, 0.9, 0.99] as const;
/** No wait is shorter than this share of `baseMs`. */
const SHORTEST = 0.1;

/**
 * The wait after failed attempt `attempt`: until half of the failures of this kind have passed, then three quarters,
 * then nine in ten. The last attempt comes no sooner than with exponential waits, so that what is unlike the last hour
 * is given up no sooner. Pure; without jitter.
 * @returns `baseMs / 10` to `maxMs`.
 */
export function adaptiveDelay(
  policy: RetryPolicy,
  attempt: number,
  { cures: { kind, tookMs }, failedMs }: Learned,
): AdaptiveDelay {
  const plainMs = plainDelayMs(policy, attempt);
  if (tookMs.length < LEAST_CURES) {
    const known = `${tookMs.length} of ${LEAST_CURES} needed cures of ${kind} in the last hour`;
    return { delayMs: bounded(policy, plainMs), because: `${known}: exponential` };
  }
  const share = SHARES.slice(attempt - 1).find((one) => quantile(tookMs, one) > failedMs);
  const isLast = attempt >= policy.maxRetries;
  const leastMs = isLast ? plainSpanMs(policy) - failedMs : 0;
  const learnedMs = share === undefined ? plainMs : quantile(tookMs, share) - failedMs;
  const because =
    leastMs > learnedMs
      ? "the last attempt comes no sooner than with exponential waits"
      : share === undefined
        ? `it has outlasted ${tookMs.length} cures of ${kind} in the last hour: exponential`
        : `${share * 100} % of ${tookMs.length} cures of ${kind} in the last hour took ${seconds(learnedMs + failedMs)} or less`;
  return { delayMs: bounded(policy, Math.max(learnedMs, leastMs)), because };
}

function bounded({ baseMs, maxMs }: RetryPolicy, delayMs: number): number {
  return Math.min(Math.max(delayMs, baseMs * SHORTEST), maxMs);
}

/** How long exponential waits are together. */
function plainSpanMs(policy: RetryPolicy): number {
  let spanMs = 0;
  for (let attempt = 1; attempt <= policy.maxRetries; attempt++)
    spanMs += Math.min(plainDelayMs(policy, attempt), policy.maxMs);
  return spanMs;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(Math.ceil(sorted.length * share), sorted.length) - 1] ?? 0;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}
