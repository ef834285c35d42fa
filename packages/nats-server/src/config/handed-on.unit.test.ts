import { compilePolicy, Policy, parseEventPattern } from "@adaos/core";
import type { Subnet } from "@adaos/core/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearEvent, nearPattern } from "../../../../test/kit/arbitraries.ts";
import { type ParsedBlock, parseConf } from "../../../../test/kit/nats-conf.ts";
import { filterMatches } from "../../../../test/kit/nats-wildcards.ts";
import { compileHubServer } from "./compile-hub.ts";
import { placeholderKey } from "./example-config.ts";

/** Rights of each member to publish and subscribe. */
type Rules = Readonly<Record<string, readonly string[]>>;

function policyOf(rules: Rules): Policy {
  const members = Object.entries(rules).map(([name, patterns]) => {
    const taken = patterns.map(parseEventPattern);
    return [name, { name, roles: [], publish: taken, subscribe: taken }] as const;
  });
  const subnet: Subnet = { name: "alpha", tenant: "t", exports: [], imports: [], members: new Map(members) };
  const mesh = {
    name: "m",
    durability: "synced",
    subnets: new Map([["alpha", subnet]]),
    policy: [],
  } as const;
  return new Policy(compilePolicy(mesh, []));
}

interface Account {
  readonly users: readonly {
    readonly permissions: Readonly<Record<"publish" | "subscribe", { readonly allow: readonly string[] }>>;
  }[];
  readonly imports: readonly {
    readonly service?: { readonly account: string; readonly subject: string };
    readonly to?: string;
  }[];
}

function accountsOf(policy: Policy, nodes: readonly string[]): Readonly<Record<string, Account>> {
  const conf: ParsedBlock = parseConf(
    compileHubServer({
      ...{ host: "127.0.0.1", port: 4222, storeDir: "/s", durability: "synced", subnet: "alpha", policy },
      ...{ rootUrl: "nats-leaf://127.0.0.1:7422", leafSeedInclude: "l", consumers: new Map() },
      ...{
        systemKey: placeholderKey("system"),
        hubKey: placeholderKey("hub"),
        leafKey: placeholderKey("leaf"),
      },
      memberKeys: new Map(nodes.map((node) => [node, placeholderKey(node)])),
    }),
  );
  return conf["accounts"] as unknown as Readonly<Record<string, Account>>;
}

const reaches = (rights: readonly string[], subject: string): boolean =>
  rights.some((filter) => filterMatches(filter, subject));

describe("compileHubServer(), what is handed on and stored nowhere", () => {
  test("reaches, and is answered by, whom policy lets subscribe it: same rules, same answer", () => {
    const rules = fc.array(nearPattern, { maxLength: 4 });
    fc.assert(
      fc.property(rules, rules, nearEvent, (ofA, ofB, event) => {
        const policy = policyOf({ a: ofA, b: ofB });
        const accounts = accountsOf(policy, ["a", "b"]);
        const handedOn = (accounts["SUBNET"]?.imports ?? [])
          .filter(({ service }) => service?.account === "MEMBER_a")
          .map(({ to = "" }) => to);
        const rights = accounts["MEMBER_a"]?.users[0]?.permissions;
        const question = { verb: "subscribe", subnet: "alpha", node: "a" } as const;
        const { allowed } = policy.decide(question, event.name, event.version);
        const tail = `${event.name}.v${event.version}`;
        expect(reaches(handedOn, `ask.alpha.b.${tail}`)).toBe(allowed);
        expect(reaches(rights?.subscribe.allow ?? [], `asked.alpha.b.${tail}`)).toBe(allowed);
        expect(reaches(rights?.subscribe.allow ?? [], `asked.beta.b.${tail}`)).toBe(false);
        const answer = (as: string, reach = "near"): string =>
          `ans.${reach}.alpha.b.EVT-1.alpha.${as}.${tail}`;
        expect(reaches(rights?.publish.allow ?? [], answer("a"))).toBe(allowed);
        expect(reaches(rights?.publish.allow ?? [], answer("b"))).toBe(false);
        expect(reaches(rights?.publish.allow ?? [], answer("a", "far"))).toBe(false);
        for (const as of ["a", "b"]) {
          const asked = `ask.alpha.${as}.${tail}`;
          expect(reaches(rights?.publish.allow ?? [], asked)).toBe(as === "a" && allowed);
        }
        // Replies reach the requester, whatever it may subscribe.
        expect(reaches(handedOn, `ans.near.alpha.a.EVT-1.alpha.b.${tail}`)).toBe(true);
        expect(reaches(handedOn, `ans.near.alpha.b.EVT-1.alpha.a.${tail}`)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
