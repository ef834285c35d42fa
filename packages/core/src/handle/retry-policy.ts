import { assertBetween } from "../language/assert-within.ts";
import { MeshError } from "../language/errors.ts";

/** How long to wait between attempts, and how many there are. */
export interface RetryPolicy {
  readonly strategy: "exponential" | "linear" | "list" | "adaptive";
  /** First step; with `list` not used. */
  readonly baseMs: number;
  /** With `exponential`, and `adaptive` that knows too little: each wait is this many times the last. */
  readonly factor: number;
  /** With these: the exponent of the first wait. 0 waits `baseMs` first, 1 waits `baseMs × factor`. */
  readonly firstExponent: 0 | 1;
  /** With `list`: the waits one by one; the last one repeats. */
  readonly delaysMs: readonly number[];
  /** No wait is longer, jitter included. */
  readonly maxMs: number;
  /** Spread of each wait as a share of it: 0.2 is ±20 %. Keeps many nodes from retrying in step. */
  readonly jitter: number;
  /** Attempts after the first. */
  readonly maxRetries: number;
  /** Whether failures that nothing is known of are retried. */
  readonly retryUnknown: boolean;
  /** Whether a failure that is not retried any more is an alert: a person has to look. */
  readonly alertsWhenGivenUp: boolean;
}

const COMMON = {
  baseMs: 1000,
  factor: 2,
  delaysMs: [],
  maxMs: 300_000,
  maxRetries: 3,
  retryUnknown: true,
  alertsWhenGivenUp: false,
} as const;

const STRATEGIES: ReadonlySet<RetryPolicy["strategy"]> = new Set([
  "exponential",
  "linear",
  "list",
  "adaptive",
]);

/** Policies by name. `p1` is the default. */
export const RETRY_PRESETS: Readonly<Record<RetryPreset, RetryPolicy>> = {
  /** 1, 2, 4 s … exactly. */
  p0: { ...COMMON, strategy: "exponential", firstExponent: 0, jitter: 0 },
  /** 2, 4, 8 s …, ±20 %. */
  p1: { ...COMMON, strategy: "exponential", firstExponent: 1, jitter: 0.2 },
  /** 5, 10, 15 s exactly, and an alert when that did not help. */
  "r-v0.1": {
    ...COMMON,
    strategy: "list",
    firstExponent: 0,
    delaysMs: [5000, 10_000, 15_000],
    jitter: 0,
    alertsWhenGivenUp: true,
  },
  /** As long as failures of this kind took to pass within the last hour, ±20 %; as `p1` while that is not known. */
  adaptive: { ...COMMON, strategy: "adaptive", firstExponent: 1, jitter: 0.2 },
};

export type RetryPreset = "p0" | "p1" | "r-v0.1" | "adaptive";

/** A preset by name, or fields that differ from `p1`. */
export type RetryOptions = RetryPreset | Partial<RetryPolicy>;

/** Completes and checks a policy. Throws `usage`. */
export function resolveRetry(options: RetryOptions = "p1"): RetryPolicy {
  if (typeof options === "string") {
    const preset = Object.hasOwn(RETRY_PRESETS, options) ? RETRY_PRESETS[options] : undefined;
    if (preset !== undefined) return preset;
    throw new MeshError(
      "usage",
      `no retry preset ${JSON.stringify(options)}; there are ${Object.keys(RETRY_PRESETS).join(", ")}`,
    );
  }
  const policy = { ...RETRY_PRESETS.p1, ...options };
  if (!STRATEGIES.has(policy.strategy)) {
    throw new MeshError("usage", `no retry strategy ${JSON.stringify(policy.strategy)}`);
  }
  assertBetween("retry baseMs", policy.baseMs, 0, 86_400_000);
  assertBetween("retry factor", policy.factor, 1, 100);
  assertBetween("retry maxMs", policy.maxMs, 0, 86_400_000);
  assertBetween("retry jitter", policy.jitter, 0, 1);
  assertBetween("retry maxRetries", policy.maxRetries, 0, 1000);
  for (const delayMs of policy.delaysMs) assertBetween("retry delaysMs", delayMs, 0, 86_400_000);
  if (policy.strategy === "list" && policy.delaysMs.length === 0) {
    throw new MeshError("usage", "retry strategy list needs delaysMs");
  }
  return policy;
}

/**
 * The wait after failed attempt `attempt` (1 for the first). Pure.
 * @param random 0 to 1, spreads the wait.
 * @returns whole milliseconds, 0 to `maxMs`.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number): number {
  return spreadMs(policy, plainDelayMs(policy, attempt), random);
}

/** A wait with its jitter, `maxMs` at most. Pure. */
export function spreadMs({ jitter, maxMs }: RetryPolicy, plainMs: number, random: number): number {
  const spread = 1 + jitter * (2 * random - 1);
  return Math.round(Math.min(Math.min(plainMs, maxMs) * spread, maxMs));
}

/** The wait without bounds and jitter, and without anything learned. Pure. */
export function plainDelayMs(
  { strategy, baseMs, factor, firstExponent, delaysMs }: RetryPolicy,
  attempt: number,
): number {
  switch (strategy) {
    case "exponential":
    case "adaptive":
      // 0 × Infinity is no number.
      return baseMs === 0 ? 0 : baseMs * factor ** (attempt - 1 + firstExponent);
    case "linear":
      return baseMs * attempt;
    case "list":
      return delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0;
  }
}
