import { dirname, join } from "node:path";
import { type CheckedFile, parseYaml, readYamlFile } from "@adaos/config";
import { compilePolicy, Policy } from "@adaos/core";
import type { PolicyVerb } from "@adaos/core/wire";
import { messageOf } from "@adaos/core/wire";
import { z } from "zod";
import { askPolicy, type PolicyInquiry } from "./ask-policy.ts";
import { type Hop, passes } from "./hops.ts";
import { withoutRule, writtenRules } from "./lint-policy.ts";
import type { LoadedPolicy } from "./load-policy.ts";

/** One question and the answer it must have. */
export interface PolicyCase extends PolicyInquiry {
  readonly expect: "allow" | "deny";
  /** The rule that must decide it: for a refusal, the refusing rule. */
  readonly rule?: string | undefined;
}

const caseSchema: z.ZodType<PolicyCase> = z
  .strictObject({
    publish: z.string().optional(),
    subscribe: z.string().optional(),
    export: z.string().optional(),
    import: z.string().optional(),
    as: z.string(),
    to: z.string().optional(),
    from: z.string().optional(),
    expect: z.enum(["allow", "deny"]),
    rule: z.string().optional(),
  })
  .transform(({ publish, subscribe, export: exported, import: imported, ...rest }, context): PolicyCase => {
    const asked = Object.entries({ publish, subscribe, export: exported, import: imported });
    const [first, second] = asked.filter(([, event]) => event !== undefined);
    if (first?.[1] === undefined || second !== undefined) {
      context.addIssue("needs one of publish, subscribe, export and import");
      return z.NEVER;
    }
    return { ...rest, verb: first[0] as PolicyVerb, event: first[1] };
  });

const casesSchema: z.ZodType<{ readonly cases: readonly PolicyCase[] }> = z.strictObject({
  cases: z.array(caseSchema).max(10_000),
});

/** The result of one case. */
export interface CaseResult {
  readonly place: string;
  readonly title: string;
  readonly ok: boolean;
  /** The decisions, hop by hop. */
  readonly hops: readonly Hop[];
  /** The reason of a failure. */
  readonly problem?: string;
}

/** A file of cases, with the place of each. */
export interface PolicyCases {
  readonly file: string;
  readonly cases: readonly PolicyCase[];
  placeOf(index: number): string;
}

/** The default file of cases for a mesh file. */
export function usualCasesFile(meshFile: string): string {
  return join(dirname(meshFile), "policy-tests.yaml");
}

/** Reads a file of cases. Throws `invalid-config` with lines and columns. */
export function readPolicyCases(file: string): PolicyCases {
  return casesOf(readYamlFile(file, casesSchema));
}

/** As {@link readPolicyCases}, for a text. */
export function parsePolicyCases(text: string, file: string): PolicyCases {
  return casesOf(parseYaml(text, file, casesSchema));
}

function casesOf({
  file,
  value,
  placeOf,
}: CheckedFile<{ readonly cases: readonly PolicyCase[] }>): PolicyCases {
  return { file, cases: value.cases, placeOf: (index) => placeOf(["cases", index]) };
}

/** Runs cases against a policy. Pure. */
export function runCases(loaded: LoadedPolicy, cases: PolicyCases): CaseResult[] {
  return cases.cases.map((one, i) => {
    const place = cases.placeOf(i);
    try {
      const hops = askPolicy(loaded, one);
      const problem = problemOf(one, hops);
      return {
        place,
        title: titleOf(one),
        ok: problem === undefined,
        hops,
        ...(problem === undefined ? {} : { problem }),
      };
    } catch (thrown) {
      return { place, title: titleOf(one), ok: false, hops: [], problem: messageOf(thrown) };
    }
  });
}

/**
 * Rules without which no case would fail: each rule is left out once. Only a rule that decides a case can change one,
 * so the others need no run.
 */
export function untestedRules(loaded: LoadedPolicy, cases: PolicyCases): string[] {
  const { meshFile, events } = loaded;
  const results = runCases(loaded, cases);
  const outcome = (all: readonly CaseResult[]): string => all.map(({ ok }) => ok).join();
  const before = outcome(results);
  const deciding = new Set(results.flatMap(({ hops }) => hops.map(({ decision }) => decision.rule)));
  return writtenRules(meshFile.mesh)
    .map(({ id }) => id)
    .filter((id) => {
      if (!deciding.has(id)) return true;
      const policy = new Policy(compilePolicy(withoutRule(meshFile.mesh, id), events));
      return outcome(runCases({ ...loaded, policy }, cases)) === before;
    });
}

function problemOf(one: PolicyCase, hops: readonly Hop[]): string | undefined {
  const is = passes(hops) ? "allow" : "deny";
  const deciding = is === "deny" ? hops.find(({ decision }) => !decision.allowed) : hops.at(-1);
  const rule = deciding?.decision.rule ?? "";
  if (is !== one.expect) return `expected ${one.expect}, is ${is} by ${rule}`;
  const isBy = is === "deny" ? [rule] : hops.map(({ decision }) => decision.rule);
  if (one.rule !== undefined && !isBy.includes(one.rule)) {
    return `expected ${one.expect} by ${one.rule}, is ${is} by ${isBy.join(", ")}`;
  }
  return undefined;
}

function titleOf({ verb, event, as, to, from }: PolicyCase): string {
  const way = to === undefined ? "" : ` to ${to}`;
  return `${verb} ${event} as ${as}${way}${from === undefined ? "" : ` from ${from}`}`;
}
