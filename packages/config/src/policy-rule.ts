import { type EventPattern, type Mesh, parseEventPattern } from "@adaos/core";
import type { PolicyVerb, Rate } from "@adaos/core/wire";
import {
  BUDGET,
  CLEARANCE,
  DEFAULT_DENY,
  type DeclaredRule,
  foreignSubnets,
  messageOf,
  originTokenProblem,
  TENANT_BOUNDARY,
} from "@adaos/core/wire";
import { z } from "zod";

/** An event pattern, checked and parsed. */
export const patternSchema: z.ZodType<EventPattern, string> = z.string().transform((text, context) => {
  try {
    return parseEventPattern(text);
  } catch (thrown) {
    context.addIssue(messageOf(thrown));
    return z.NEVER;
  }
});

/** A name that fits into subjects and configs, and is not reserved. */
export function tokenOf(what: string, reserved: ReadonlySet<string> = new Set()): z.ZodString {
  return z.string().superRefine((text, context) => {
    const problem = reserved.has(text) ? "is reserved; choose another" : originTokenProblem(text);
    if (problem !== undefined) context.addIssue(`${what} "${text.slice(0, 80)}" ${problem}`);
  });
}

const perSecond = z.number().positive().max(1_000_000_000).optional();

const rate = z.strictObject({ eventsPerSecond: perSecond, bytesPerSecond: perSecond });
const isLimit = ({ eventsPerSecond, bytesPerSecond }: Rate): boolean =>
  eventsPerSecond !== undefined || bytesPerSecond !== undefined;
const noLimit = { message: "needs eventsPerSecond or bytesPerSecond" };

/** Limits a second. */
export const rateSchema = rate.refine(isLimit, noLimit);

/** Limits a second for some events. */
export const rateLimitSchema = rate
  .extend({ events: patternSchema.describe("events that are counted") })
  .refine(isLimit, noLimit);

const MEMBER_VERBS: readonly PolicyVerb[] = ["publish", "subscribe"];
/** Ids of refusals that come from no rule of the file. */
const RESERVED_IDS: ReadonlySet<string> = new Set([
  BUDGET,
  CLEARANCE,
  DEFAULT_DENY,
  TENANT_BOUNDARY,
  "origin",
  "tenant",
]);

const verb = z.enum(["publish", "subscribe", "export", "import"]);
const kind = z.enum(["event", "command", "reply"]);

function oneOrMore<T extends z.ZodType>(one: T): z.ZodType<z.output<T>[], z.input<T> | z.input<T>[]> {
  return z.union([one.transform((value) => [value]), z.array(one).min(1).max(1000)]) as never;
}

/** One rule of a mesh file's `policy`. */
export const ruleSchema = z
  .strictObject({
    id: tokenOf("rule", RESERVED_IDS).describe("id of the rule, shown in refusals"),
    allow: oneOrMore(verb).optional().describe("actions that the rule allows; either this or deny"),
    deny: oneOrMore(verb).optional().describe("actions that the rule denies"),
    events: oneOrMore(patternSchema).describe("patterns, as in the lists of members; * for all"),
    kind: oneOrMore(kind).optional().describe("kinds of event; by default any"),
    subnet: oneOrMore(tokenOf("subnet")).optional().describe("subnets that the rule is for; by default any"),
    tenant: oneOrMore(tokenOf("tenant")).optional().describe("tenants whose subnets the rule is for"),
    member: oneOrMore(tokenOf("member")).optional().describe("members that the rule is for"),
    role: oneOrMore(tokenOf("role")).optional().describe("roles of members that the rule is for"),
    from: z
      .strictObject({
        subnet: oneOrMore(tokenOf("subnet")).optional(),
        tenant: oneOrMore(tokenOf("tenant")).optional(),
      })
      .optional()
      .describe(
        "with import: subnet or tenant of the event's publisher; only a rule with it lets in events of another tenant",
      ),
  })
  .superRefine((rule, context) => {
    if ((rule.allow === undefined) === (rule.deny === undefined)) {
      context.addIssue("needs either allow or deny, with publish, subscribe, export or import");
      return;
    }
    const verbs = rule.allow ?? rule.deny ?? [];
    const isOfMembers = rule.member !== undefined || rule.role !== undefined;
    if (isOfMembers && verbs.some((one) => !MEMBER_VERBS.includes(one))) {
      context.addIssue("names a member or a role; these publish and subscribe, subnets export and import");
    }
    if (rule.from === undefined) return;
    if (verbs.some((one) => one !== "import")) context.addIssue("has from, which only import can have");
    if (rule.from.subnet === undefined && rule.from.tenant === undefined) {
      context.addIssue({ code: "custom", path: ["from"], message: "needs a subnet or a tenant" });
    }
  });

export function declaredRuleOf(rule: z.output<typeof ruleSchema>): DeclaredRule {
  const { id, allow, deny, events, kind: kinds, subnet, tenant, member, role, from } = rule;
  return {
    id,
    effect: allow === undefined ? "deny" : "allow",
    verbs: allow ?? deny ?? [],
    events,
    ...(kinds === undefined ? {} : { kinds }),
    ...(subnet === undefined ? {} : { subnets: subnet }),
    ...(tenant === undefined ? {} : { tenants: tenant }),
    ...(member === undefined ? {} : { members: member }),
    ...(role === undefined ? {} : { roles: role }),
    ...(from === undefined
      ? {}
      : {
          from: {
            ...(from.subnet === undefined ? {} : { subnets: from.subnet }),
            ...(from.tenant === undefined ? {} : { tenants: from.tenant }),
          },
        }),
  };
}

/** A problem of a rule, found by comparing it with the other rules and the mesh. */
export interface RuleProblem {
  /** Path below `policy`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** A rule for an unknown name is a typing error: it would silently allow or deny nothing. */
export function ruleProblems({ policy, subnets, regions }: Mesh): RuleProblem[] {
  const all = [...subnets.values()];
  const members = all.flatMap((subnet) => [...subnet.members.values()]);
  const known = {
    subnet: new Set(all.map(({ name }) => name)),
    tenant: new Set(all.map(({ tenant }) => tenant)),
    member: new Set(members.map(({ name }) => name)),
    role: new Set(members.flatMap(({ roles }) => roles)),
  };
  // Events come from other regions, too.
  const origins = regions === undefined ? [] : foreignSubnets({ regions });
  const from = {
    subnet: new Set([...known.subnet, ...origins.map(({ name }) => name)]),
    tenant: new Set([...known.tenant, ...origins.map(({ tenant }) => tenant)]),
  };
  const problems: RuleProblem[] = [];
  const seen = new Set<string>();
  for (const [i, rule] of policy.entries()) {
    if (seen.has(rule.id)) problems.push({ path: [i, "id"], message: `there is another rule ${rule.id}` });
    seen.add(rule.id);
    const named = [
      ["subnet", rule.subnets, ["subnet"], known.subnet],
      ["tenant", rule.tenants, ["tenant"], known.tenant],
      ["member", rule.members, ["member"], known.member],
      ["role", rule.roles, ["role"], known.role],
      ["subnet", rule.from?.subnets, ["from", "subnet"], from.subnet],
      ["tenant", rule.from?.tenants, ["from", "tenant"], from.tenant],
    ] as const;
    for (const [what, wanted, path, there] of named) {
      for (const name of wanted ?? []) {
        if (there.has(name)) continue;
        problems.push({ path: [i, ...path], message: `the mesh has no ${what} ${name}` });
      }
    }
  }
  return problems;
}
