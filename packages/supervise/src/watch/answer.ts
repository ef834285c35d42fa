import type { ConfigError } from "@adaos/config";

/** For one answer. */
export const ANSWER_MS = 3000;

/** What a process said when it was asked how it is. */
export type Answer =
  | { readonly kind: "well"; readonly configErrors?: readonly ConfigError[] }
  /** It has not got so far yet that it could answer. */
  | { readonly kind: "starting" }
  | { readonly kind: "silent"; readonly reason: string }
  /** It answers, and says that only a new start helps. */
  | { readonly kind: "stuck"; readonly reason: string };

/** What has been heard of one run of a process. */
export interface Heard {
  readonly answer: Answer;
  readonly runsForMs: number;
  /** It has answered since it was started. */
  readonly hasAnswered: boolean;
  /** Starts in a row that have failed. */
  readonly failures: number;
}

/** A process that has never answered since it started may be reading a large store. */
const START_LIMIT_MS = 120_000;
/** Each start that took too long gives the next one twice the time, up to an hour. */
const MAX_DOUBLINGS = 5;

/** Why a process has to be ended, or nothing. Pure. */
export function reasonToEnd({ answer, runsForMs, hasAnswered, failures }: Heard): string | undefined {
  if (answer.kind === "well") return undefined;
  if (answer.kind === "stuck") return answer.reason;
  const limitMs = START_LIMIT_MS * 2 ** Math.min(failures, MAX_DOUBLINGS);
  if (!hasAnswered) {
    if (runsForMs < limitMs) return undefined;
    return `has not answered since it was started ${Math.round(runsForMs / 1000)} s ago`;
  }
  return answer.kind === "silent" ? answer.reason : undefined;
}
