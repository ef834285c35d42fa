import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import type { AwayServer } from "@adaos/operations";
import type { Check, Finding, Scene } from "./check.ts";

export interface GroupFinding extends Finding {
  readonly group: string;
}

export interface CheckResult {
  readonly group: string;
  /** `unknown`: it could not judge, and `reason` says why. */
  readonly outcome: "sound" | "findings" | "unknown";
  readonly reason?: string;
  readonly tookMs: number;
}

/** All that is known of a mesh's health. */
export interface Diagnosis {
  readonly mesh: string;
  /** No fault was found, and every check had an outcome. */
  readonly isHealthy: boolean;
  /** Faults first. */
  readonly findings: readonly GroupFinding[];
  readonly checks: readonly CheckResult[];
  /** Servers that could not be asked. */
  readonly away: readonly AwayServer[];
}

/** Runs checks side by side, each no longer than the limit; those that are heavy after the others. Never rejects. */
export async function examine(
  scene: Scene,
  checks: readonly Check[],
  limitMs: number,
): Promise<Pick<Diagnosis, "findings" | "checks">> {
  const ended: { readonly result: CheckResult; readonly findings: readonly GroupFinding[] }[] = [];
  for (const isHeavy of [undefined, true] as const) {
    const round = checks.filter((check) => check.isHeavy === isHeavy);
    ended.push(...(await Promise.all(round.map((check) => runCheck(scene, check, limitMs)))));
  }
  const findings = ended.flatMap((one) => one.findings);
  return {
    findings: [
      ...findings.filter(({ level }) => level === "fault"),
      ...findings.filter(({ level }) => level === "notice"),
    ],
    checks: ended.map(({ result }) => result),
  };
}

async function runCheck(
  scene: Scene,
  { group, look }: Check,
  limitMs: number,
): Promise<{ readonly result: CheckResult; readonly findings: readonly GroupFinding[] }> {
  const startMs = performance.now();
  const tookMs = (): number => Math.round(performance.now() - startMs);
  try {
    const found = await withLimit(look(scene), limitMs);
    const findings = found.map((finding) => ({ group, ...finding }));
    const outcome = findings.length === 0 ? "sound" : "findings";
    return { result: { group, outcome, tookMs: tookMs() }, findings };
  } catch (thrown) {
    const reason = messageOf(thrown);
    return { result: { group, outcome: "unknown", reason, tookMs: tookMs() }, findings: [] };
  }
}

/** Rejects with `timeout` when it takes longer; it does not wait for the rest of the work. */
async function withLimit<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const late = new MeshError("timeout", `no answer within ${limitMs / 1000} s`);
    timer = setTimeout(() => reject(late), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
