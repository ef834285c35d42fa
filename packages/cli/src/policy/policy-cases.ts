import { dirname, join } from "node:path";
import { type CheckedFile, parseYaml, readYamlFile } from "@adaos/config";
import {
  compilePolicy,
  messageOf,
  type NodeAddress,
  Policy,
  parseEventPattern,
  parseEventRef,
  parseNodeAddress,
} from "@adaos/core";
import { z } from "zod";
import { type Hop, passes, publishHops, subscribeHop } from "./hops.ts";
import { withoutRule, writtenRules } from "./lint-policy.ts";
import type { LoadedPolicy } from "./load-policy.ts";

/** One question and the answer it must have. */
export interface PolicyCase {
  readonly publish?: string | undefined;
  readonly subscribe?: string | undefined;
  readonly as: NodeAddress;
  /** With `publish`: as far as the handler of this member. */
  readonly to?: NodeAddress | undefined;
  readonly expect: "allow" | "deny";
  /** The rule that must decide it: of a refusal the one that refuses. */
  readonly rule?: string | undefined;
}

const member: z.ZodType<NodeAddress> = z.string().transform((text, context): NodeAddress => {
  try {
    return parseNodeAddress(text);
  } catch (thrown) {
    context.addIssue(messageOf(thrown));
    return z.NEVER;
  }
});

const caseSchema: z.ZodType<PolicyCase> = z
  .strictObject({
    publish: z.string().optional(),
    subscribe: z.string().optional(),
    as: member,
    to: member.optional(),
    expect: z.enum(["allow", "deny"]),
    rule: z.string().optional(),
  })
  .superRefine((one, context) => {
    if ((one.publish === undefined) === (one.subscribe === undefined)) {
      context.addIssue("needs either publish or subscribe");
    }
    if (one.subscribe !== undefined && one.to !== undefined) context.addIssue("a subscription has no to");
  });

const casesSchema: z.ZodType<{ readonly cases: readonly PolicyCase[] }> = z.strictObject({
  cases: z.array(caseSchema).max(10_000),
});

/** What became of one case. */
export interface CaseResult {
  readonly place: string;
  readonly title: string;
  readonly ok: boolean;
  /** What was asked, hop by hop. */
  readonly hops: readonly Hop[];
  /** Why it is not ok. */
  readonly problem?: string;
}

/** A file of cases, with where each of them stands. */
export interface PolicyCases {
  readonly file: string;
  readonly cases: readonly PolicyCase[];
  placeOf(index: number): string;
}

/** Where the cases of a mesh file are kept when nobody says otherwise. */
export function usualCasesFile(meshFile: string): string {
  return join(dirname(meshFile), "policy-tests.yaml");
}

/** Reads a file of cases. Throws `invalid-config` with lines and columns. */
export function readPolicyCases(file: string): PolicyCases {
  return casesOf(readYamlFile(file, casesSchema));
}

/** As {@link readPolicyCases}, of text at hand. */
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
export function runCases({ policy, registry }: LoadedPolicy, cases: PolicyCases): CaseResult[] {
  return cases.cases.map((one, i) => {
    const place = cases.placeOf(i);
    try {
      const hops = hopsOf(one, policy, (name) => newestVersion(registry, name));
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
 * Rules that could be taken away without any case telling: each is left out once. Only a rule that decides a case can
 * change one, so the others need no run.
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

/** The newest version of an event; 1 of one that the registry does not know. */
export function newestVersion(registry: LoadedPolicy["registry"], name: string): number {
  const versions = registry.records.filter((record) => record.name === name).map(({ version }) => version);
  return Math.max(1, ...versions);
}

function hopsOf(one: PolicyCase, policy: Policy, versionOf: (name: string) => number): Hop[] {
  if (one.subscribe !== undefined) return [subscribeHop(policy, parseEventPattern(one.subscribe), one.as)];
  const { name, version = versionOf(name) } = parseEventRef(one.publish ?? "");
  return publishHops(policy, { name, version }, one.as, one.to);
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

function titleOf({ publish, subscribe, as, to }: PolicyCase): string {
  const what = publish === undefined ? `subscribe ${subscribe}` : `publish ${publish}`;
  const way = to === undefined ? "" : ` to ${to.subnet}/${to.node}`;
  return `${what} as ${as.subnet}/${as.node}${way}`;
}
