import { type Classification, type ClassifyRule, classify } from "./classify.ts";
import { type RetryPolicy, retryDelayMs } from "./retry-policy.ts";

/** What becomes of an event whose handler failed. */
export type FailureDecision =
  | { readonly kind: "retry"; readonly delayMs: number; readonly classification: Classification }
  | { readonly kind: "dead-letter"; readonly classification: Classification };

/**
 * Decides about a failed attempt. Pure.
 * @param attempt 1 for the first.
 * @param random 0 to 1, spreads the wait.
 * @returns `dead-letter` when time cannot cure the error or the attempts are spent, else `retry` after at least 1 ms.
 */
export function settleFailure(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  rules: readonly ClassifyRule[],
  random: number,
): FailureDecision {
  const classification = classify(error, rules);
  const { category, retryAfterMs } = classification;
  const curable = category === "transient" || (category === "unknown" && policy.retryUnknown);
  if (!curable || attempt > policy.maxRetries) return { kind: "dead-letter", classification };
  // Who asks for patience gets it, up to the longest wait there is.
  const asked = retryAfterMs === undefined || Number.isNaN(retryAfterMs) ? undefined : retryAfterMs;
  const waitMs = asked === undefined ? retryDelayMs(policy, attempt, random) : Math.min(asked, policy.maxMs);
  // Never 0: to a broker that is no delay at all, and the event would spin.
  return { kind: "retry", delayMs: Math.max(Math.round(waitMs), 1), classification };
}
