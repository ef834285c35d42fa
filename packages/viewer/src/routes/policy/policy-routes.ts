import { ROOT_DOMAIN } from "@adaos/core/wire";
import { groupDenials, type SeenDenial, seenDenials, withEach } from "@adaos/operations";
import { diffPolicies, type HolderRights, holderRights, type LoadedPolicy, loadPolicy } from "@adaos/policy";
import { meshFileIn } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import {
  declaredHere,
  declaredPolicy,
  explainPolicy,
  explanationAsJson,
  runningPolicy,
  unreached,
} from "@adaos/supervise";
import { z } from "zod";
import type { DenialsAnswer, PolicyAnswer, Rights } from "../../api/policy.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { KeptAnswers } from "../kept-answers.ts";

const HOUR_MS = 3_600_000;
const MAX_HOURS = 24 * 31;
const MAX_DENIALS = 200;
/** A mesh of thousands of members is asked member by member. */
const MAX_RIGHTS = 600;
const POLICY_MS = 3000;
const DENIALS_MS = 4000;

interface Remembered {
  readonly policies: KeptAnswers<LoadedPolicy>;
  readonly denials: KeptAnswers<DenialsAnswer>;
}

const remembered = new WeakMap<ViewerContext, Remembered>();

function rememberedBy(context: ViewerContext): Remembered {
  const known = remembered.get(context) ?? {
    policies: new KeptAnswers<LoadedPolicy>(POLICY_MS),
    denials: new KeptAnswers<DenialsAnswer>(DENIALS_MS),
  };
  remembered.set(context, known);
  return known;
}

/** Rejects with `usage` on a machine that has joined another's mesh. */
async function policyOf(context: ViewerContext): Promise<LoadedPolicy> {
  const file = meshFileIn(context.layout());
  return rememberedBy(context).policies.get(file, () => loadPolicy(file));
}

interface Asked {
  readonly member?: string | undefined;
  /** Only those whom this event passes: `ui.notify`, `ui.notify@1`. */
  readonly passes?: string | undefined;
}

async function rights(asked: Asked, context: ViewerContext): Promise<PolicyAnswer> {
  const layout = context.layout();
  const notes: string[] = [];
  const running = runningPolicy(layout, (line) => notes.push(line));
  if (layout.joinedTo !== undefined) {
    const { events } = await loadRegistry(layout.registryDir);
    const all = holderRights(running, running.rules, events);
    return { joined_to: layout.joinedTo, pending: 0, notes, ...shown(all, asked, () => undefined) };
  }
  const loaded = await policyOf(context);
  const all = holderRights(declaredPolicy(loaded), loaded.rules, loaded.events);
  return {
    file: loaded.meshFile.file,
    pending: diffPolicies(running, declaredHere(loaded), loaded.events).length,
    notes: [...notes, ...unreached(loaded)],
    ...shown(all, asked, (id) => loaded.meshFile.placeOfRule(id)),
  };
}

function shown(
  all: readonly HolderRights[],
  { member, passes }: Asked,
  placeOf: (rule: string) => string | undefined,
): Pick<PolicyAnswer, "members" | "rights" | "more"> {
  const subnet = member?.split("/")[0];
  const meant = all.filter(
    ({ who, allowed }) =>
      (member === undefined || who === member || who === subnet) &&
      (passes === undefined || allowed.some((event) => event === passes || event.split("@")[0] === passes)),
  );
  return {
    members: [...new Set(all.flatMap(({ who, verb }) => (verb === "publish" ? [who] : [])))],
    rights: meant.slice(0, MAX_RIGHTS).map(({ who, verb, rules, allowed }): Rights => {
      const placed = rules.map((rule) => {
        const place = placeOf(rule.id);
        return place === undefined ? rule : { ...rule, place };
      });
      return {
        who,
        verb,
        rules: placed,
        count: allowed.length,
        ...(member === undefined ? {} : { allowed }),
      };
    }),
    more: Math.max(0, meant.length - MAX_RIGHTS),
  };
}

async function denials(hours: number, context: ViewerContext): Promise<DenialsAnswer> {
  const layout = context.layout();
  const found: SeenDenial[] = [];
  const hubs = layout.servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const silent = await withEach(hubs, async (hub) => {
    found.push(...(await seenDenials(hub, Date.now() - hours * HOUR_MS)));
  });
  // A mesh file that cannot be read takes away the places of rules alone. The page tells of it by /api/policy.
  const loaded = layout.joinedTo === undefined ? await policyOf(context).catch(() => undefined) : undefined;
  return {
    denials: groupDenials(found, MAX_DENIALS).map((group) => {
      const place = loaded?.meshFile.placeOfRule(group.rule);
      return place === undefined ? group : { ...group, place };
    }),
    away: silent.map(({ of, reason }) => ({ of, reason })),
  };
}

const text = z.string().max(200);
/** A form sends what was left empty too. */
const optional = text.transform((value) => (value === "" ? undefined : value)).optional();

export const POLICY_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/policy",
    role: "viewer",
    input: z.strictObject({ member: optional, passes: optional }),
    answer: rights,
  }),
  route({
    method: "GET",
    path: "/api/policy/explain",
    role: "viewer",
    input: z.strictObject({
      verb: z.enum(["publish", "subscribe", "export", "import"]),
      event: text,
      as: text,
      to: optional,
      from: optional,
    }),
    async answer(inquiry, context) {
      const loaded = await policyOf(context);
      return explanationAsJson(await explainPolicy(loaded, inquiry, context.stateDir));
    },
  }),
  route({
    method: "GET",
    path: "/api/policy/denials",
    role: "viewer",
    input: z.strictObject({ hours: z.coerce.number().positive().max(MAX_HOURS).default(24) }),
    answer: ({ hours }, context) =>
      rememberedBy(context).denials.get(String(hours), () => denials(hours, context)),
  }),
];
