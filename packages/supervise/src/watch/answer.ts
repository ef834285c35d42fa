import type { ConfigError } from "@adaos/config";

/** Longest wait for one answer. */
export const ANSWER_MS = 3000;

/** A process's answer to the question how it is. */
export type Answer =
  | { readonly kind: "well"; readonly configErrors?: readonly ConfigError[] }
  /** The process has not started far enough to answer. */
  | { readonly kind: "starting" }
  | { readonly kind: "silent"; readonly reason: string }
  /** The process answers, and says that only a restart helps. */
  | { readonly kind: "stuck"; readonly reason: string };

/** Everything known about one run of a process. */
export interface Heard {
  readonly answer: Answer;
  readonly runsForMs: number;
  /** The process has answered since its start. */
  readonly hasAnswered: boolean;
  /** Starts in a row that have failed. */
  readonly failures: number;
}

/** A process that has not answered since its start may be reading a large store. */
const START_LIMIT_MS = 120_000;
/** After each start that took too long, the next one gets twice the time, up to an hour. */
const MAX_DOUBLINGS = 5;

/** Why a process has to be ended; undefined when it does not. Pure. */
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
