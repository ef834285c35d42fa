import { formatEventRef, type PolicyRule } from "@adaos/core";
import type { KnownEvent, PolicyQuestion, PolicyVerb } from "@adaos/core/wire";
import type { PolicyState } from "./diff-policy.ts";

/** The rules of one member or subnet for one verb, in the order in which they are asked. The first match wins. */
export interface HolderRights {
  /** `alpha/kitchen`; `alpha` with export and import. */
  readonly who: string;
  readonly verb: PolicyVerb;
  readonly rules: readonly HolderRule[];
  /** Events of the registry that pass; with import from at least one origin. */
  readonly allowed: readonly string[];
}

export interface HolderRule {
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly pattern: string;
  /** Origins, with import; absent for any. */
  readonly from?: readonly string[];
}

/** What each member and subnet may do, and by which rules. Holders without a rule have an empty list. Pure. */
export function holderRights(
  { policy, holders }: PolicyState,
  rules: readonly PolicyRule[],
  events: readonly KnownEvent[],
): HolderRights[] {
  const byHolder = new Map<string, PolicyRule[]>();
  for (const rule of rules) {
    const key = keyOf(rule);
    byHolder.set(key, [...(byHolder.get(key) ?? []), rule]);
  }
  const subnets = [...holders.keys()];
  const rightsOf = (question: PolicyQuestion, origins: readonly string[]): HolderRights => {
    const { verb, subnet, node } = question;
    const passes = ({ name, version }: KnownEvent): boolean =>
      verb === "import"
        ? origins.some((from) => policy.decide({ ...question, from }, name, version).allowed)
        : policy.decide(question, name, version).allowed;
    return {
      who: node === undefined ? subnet : `${subnet}/${node}`,
      verb,
      rules: distinct((byHolder.get(keyOf(question)) ?? []).map(shownRule)),
      allowed: events.filter(passes).map(({ name, version }) => formatEventRef(name, version)),
    };
  };
  return subnets.flatMap((subnet) => {
    const others = subnets.filter((from) => from !== subnet);
    return [
      rightsOf({ verb: "export", subnet }, []),
      rightsOf({ verb: "import", subnet }, others),
      ...(holders.get(subnet) ?? []).flatMap((node) => [
        rightsOf({ verb: "publish", subnet, node }, []),
        rightsOf({ verb: "subscribe", subnet, node }, []),
      ]),
    ];
  });
}

function keyOf({ verb, subnet, node }: Pick<PolicyRule, "verb" | "subnet" | "node">): string {
  return JSON.stringify([verb, subnet, node ?? ""]);
}

function shownRule({ id, effect, pattern, from }: PolicyRule): HolderRule {
  return { id, effect, pattern: pattern.text, ...(from === undefined ? {} : { from }) };
}

/** A rule that cuts into another is compiled several times. */
function distinct(rules: readonly HolderRule[]): HolderRule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}
