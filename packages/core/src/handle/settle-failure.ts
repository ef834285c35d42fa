import { adaptiveDelay } from "./adaptive-delay.ts";
import { type Classification, type ClassifyRule, classify } from "./classify.ts";
import { type CureTimes, kindOfFailure } from "./cure-times.ts";
import { type RetryPolicy, retryDelayMs, spreadMs } from "./retry-policy.ts";

/** The decision on an event whose handler failed. */
export type FailureDecision =
  | {
      readonly kind: "retry";
      readonly delayMs: number;
      readonly classification: Classification;
      /** The reason for the length of the wait, where it was learned. */
      readonly because?: string;
    }
  | { readonly kind: "dead-letter"; readonly classification: Classification };

/** The experience from earlier failures, and how long this one lasts. */
export interface Experience {
  readonly cures: CureTimes;
  /** The error in the form that may be reported. */
  readonly told: unknown;
  /** Milliseconds from the first failed attempt to this one. */
  readonly failedMs: number;
  readonly nowMs: number;
}

/**
 * Decides about a failed attempt. Pure.
 * @param attempt 1 for the first.
 * @param random 0 to 1, spreads the wait.
 * @param experience For a policy that learns; without it the policy waits as `p1` does.
 * @returns `dead-letter` when time cannot cure the error or the attempts are spent, else `retry` after at least 1 ms.
 */
export function settleFailure(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  rules: readonly ClassifyRule[],
  random: number,
  experience?: Experience,
): FailureDecision {
  const classification = classify(error, rules);
  const { category, retryAfterMs } = classification;
  const curable = category === "transient" || (category === "unknown" && policy.retryUnknown);
  if (!curable || attempt > policy.maxRetries) return { kind: "dead-letter", classification };
  const wait = waitOf(policy, attempt, random, classification, experience);
  // The wait that a failure asks for takes precedence, up to the longest wait of the policy.
  const { delayMs, ...because } =
    retryAfterMs === undefined || Number.isNaN(retryAfterMs)
      ? wait
      : { delayMs: Math.min(retryAfterMs, policy.maxMs) };
  // Never 0: to a broker that is no delay at all, and the event would spin.
  return { kind: "retry", delayMs: Math.max(Math.round(delayMs), 1), classification, ...because };
}

function waitOf(
  policy: RetryPolicy,
  attempt: number,
  random: number,
  classification: Classification,
  experience: Experience | undefined,
): { readonly delayMs: number; readonly because?: string } {
  if (policy.strategy !== "adaptive" || experience === undefined)
    return { delayMs: retryDelayMs(policy, attempt, random) };
  const { cures, told, failedMs, nowMs } = experience;
  const known = cures.of(kindOfFailure(told, classification), nowMs);
  const { delayMs, because } = adaptiveDelay(policy, attempt, { cures: known, failedMs });
  return { delayMs: spreadMs(policy, delayMs, random), because };
}
