import { readFileSync } from "node:fs";
import { readNodeFile } from "@adaos/config";
import { newEventId, Policy, parseEventPattern } from "@adaos/core";
import { formatSubject, inboxPrefix } from "@adaos/core/wire";
import type { Connection } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { filterMatches } from "../kit/nats-wildcards.ts";

const YAML = `
mesh: policy
registry: ../schemas/events
subnets:
  alpha:
    tenant: acme
    export: [ui., nlp.]
    import: ["*"]
    members:
      kitchen: { roles: [kiosk], publish: ["*"], subscribe: [ui., repo.] }
      desk: { roles: [office], publish: [ui., repo.skill.install], subscribe: ["*"] }
      mute: {}
  beta:
    tenant: acme
    export: ["*"]
    import: [ui., nlp.intent.detected@1]
    members:
      lamp: { publish: [ui.notify, scenario.], subscribe: [ui.] }
      porch: { roles: [kiosk], publish: [nlp.], subscribe: [nlp., ui.notify] }
  gamma:
    tenant: other
    export: [ui., nlp.]
    import: ["*"]
    members:
      guest: { publish: [ui., nlp.], subscribe: ["*"] }
policy:
  - { id: no-installs-from-kiosks, deny: publish, role: kiosk, events: repo. }
  - { id: no-commands-out, deny: export, kind: command, events: "*" }
  - { id: scenario-events-only, allow: publish, member: lamp, kind: event, events: scenario. }
  - { id: nor-commands-from-lamp, deny: publish, member: lamp, events: scenario. }
  - { id: notices-for-guests, allow: import, subnet: gamma, from: { tenant: acme }, events: ui.notify }
  - { id: nothing-from-guests, deny: import, from: { subnet: gamma }, events: nlp. }
`;
const silent = (): void => undefined;
const _SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** Every member of the mesh above, as `subnet/node`. */
const MEMBERS = ["alpha/kitchen", "alpha/desk", "alpha/mute", "beta/lamp", "beta/porch", "gamma/guest"];

interface RegistryIndex {
  readonly events: readonly { readonly name: string; readonly version: number; readonly kind: string }[];
}

/** Everything about the events of the registry: who, verb, event and origin. */
describe("one policy in three places", () => {
  let mesh: TestMesh;
  let policy: Policy;
  let events: { readonly name: string; readonly version: number }[];
  const connections: Connection[] = [];

  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    const hubs = mesh.layout().nodes.filter(({ role }) => role === "hub");
    policy = new Policy(hubs.flatMap(({ nodeFile }) => readNodeFile(nodeFile, "hub").config.policy));
    const index = JSON.parse(readFileSync("schemas/events/_dist/registry.json", "utf8")) as RegistryIndex;
    // One that the registry does not know, and one of another version.
    events = [...index.events, { name: "ui.unheard.of", version: 1 }, { name: "ui.notify", version: 7 }];
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await mesh.stop();
  });

  async function raw(member: string): Promise<Connection> {
    const connection = await mesh.openMember(member);
    connections.push(connection);
    return connection;
  }

  const addressOf = (member: string): { subnet: string; node: string } => {
    const [subnet = "", node = ""] = member.split("/");
    return { subnet, node };
  };

  test("publish: client and server agree about every member, event and claimed origin", async () => {
    let cases = 0;
    const wrong: string[] = [];
    for (const member of MEMBERS) {
      const { nc } = await raw(member);
      const { node } = addressOf(member);
      const asked = MEMBERS.flatMap((origin) => events.map((event) => ({ origin, event })));
      const stored = new Set<number>();
      nc.subscribe(`${inboxPrefix(node)}.matrix.*`, {
        callback: (_, msg) => {
          if (msg.json<{ error?: unknown }>().error === undefined)
            stored.add(Number(msg.subject.split(".").at(-1)));
        },
      });
      for (const [i, { origin, event }] of asked.entries()) {
        const subject = formatSubject({ ...addressOf(origin), ...event });
        nc.publish(subject, "{}", { reply: `${inboxPrefix(node)}.matrix.${i}` });
      }
      const expected = asked.map(({ origin, event: { name, version } }) => {
        const question = { verb: "publish", ...addressOf(member) } as const;
        return origin === member && policy.decide(question, name, version).allowed;
      });
      const count = expected.filter(Boolean).length;
      await until("what is allowed is stored", () => stored.size >= count);
      // Whatever else had been taken is acknowledged before this is answered.
      await nc.request(`svc.hub.${node}.handlers`, "{}", { timeout: 5000 });
      for (const [i, { origin, event }] of asked.entries()) {
        cases++;
        if (stored.has(i) !== expected[i])
          wrong.push(`${member} as ${origin} ${event.name}@${event.version}`);
      }
    }
    process.stdout.write(`publish: ${cases} cases, ${wrong.length} answered differently\n`);
    expect(wrong).toEqual([]);
    expect(cases).toBeGreaterThan(350);
  });

  test("subscribe: client and hub agree about every member and pattern", async () => {
    let cases = 0;
    const wrong: string[] = [];
    const patterns = [
      "*",
      "ui.",
      "nlp.",
      "repo.",
      "scenario.",
      ...events.map(({ name, version }) => `${name}@${version}`),
    ];
    for (const member of MEMBERS) {
      const { nc } = await raw(member);
      const address = addressOf(member);
      for (const [i, pattern] of patterns.entries()) {
        cases++;
        const request = {
          durable: `matrix-${i}`,
          pattern,
          from: {},
          maxAckPending: 1,
          startAt: "new",
          answers: false,
        };
        const answer = await nc.request(`svc.hub.${address.node}.durable`, JSON.stringify(request), {
          timeout: 10_000,
        });
        const granted = answer.json<{ error?: { code: string } }>().error === undefined;
        const client = policy.decidePattern(
          { verb: "subscribe", ...address },
          parseEventPattern(pattern),
        ).allowed;
        if (granted !== client) wrong.push(`${member} ${pattern}`);
      }
    }
    process.stdout.write(`subscribe: ${cases} cases, ${wrong.length} answered differently\n`);
    expect(wrong).toEqual([]);
  });

  test("export and import: policy, the servers' filters and what arrives agree about every origin and target", async () => {
    const filtersOf = (of: string, stream: string, consumer: string): Promise<readonly string[]> =>
      mesh.asService(of, async (nc) => {
        try {
          const { config } = await (await nc.jetstreamManager()).consumers.info(stream, consumer);
          return (
            config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject])
          );
        } catch {
          // Nothing may pass: there is none.
          return [];
        }
      });
    const subnets = ["alpha", "beta", "gamma"];
    const origins: Readonly<Record<string, string>> = { alpha: "kitchen", beta: "lamp", gamma: "guest" };
    const up = new Map<string, readonly string[]>();
    const down = new Map<string, readonly string[]>();
    for (const subnet of subnets) {
      up.set(subnet, await filtersOf(subnet, `EVENTS_${subnet}`, "root"));
      down.set(subnet, await filtersOf("root", "MESH", `to-${subnet}`));
    }
    const wrong: string[] = [];
    const expected: string[] = [];
    let cases = 0;
    // Stored as the hub daemon may store: whatever a member could bring past its rights.
    for (const from of subnets) {
      const node = origins[from] ?? "";
      for (const { name, version } of events) {
        const subject = formatSubject({ subnet: from, node, name, version });
        const leaves = policy.decide({ verb: "export", subnet: from }, name, version).allowed;
        cases++;
        if ((up.get(from) ?? []).some((filter) => filterMatches(filter, subject)) !== leaves) {
          wrong.push(`export ${subject}`);
        }
        for (const to of subnets) {
          if (to === from) continue;
          cases++;
          const enters = policy.decide({ verb: "import", subnet: to, from }, name, version).allowed;
          if ((down.get(to) ?? []).some((filter) => filterMatches(filter, subject)) !== enters) {
            wrong.push(`import ${to} ${subject}`);
          }
          if (leaves && enters) expected.push(`${to} ${subject}`);
        }
        const id = newEventId(Date.now());
        const tenant = from === "gamma" ? "other" : "acme";
        await mesh.asService(from, async (nc) => {
          const envelope = {
            event_id: id,
            event_name: name,
            version,
            kind: "event",
            ts: new Date().toISOString(),
            source: `app@${node}`,
            correlation_id: id,
            tenant,
            headers: {},
            data: {},
          };
          await nc.jetstream().publish(subject, JSON.stringify(envelope), { msgID: id });
        });
      }
    }
    const arrived = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const to of subnets) {
        await mesh.asService(to, async (nc) => {
          const { state } = await (await nc.jetstreamManager()).streams.info(`EVENTS_${to}`, {
            subjects_filter: "evt.>",
          });
          for (const subject of Object.keys(state.subjects ?? {})) {
            // Daemons tell of denials, which cross like any event.
            if (!/^evt\.[^.]+\.(hub|root)\./.test(subject) && !subject.startsWith(`evt.${to}.`))
              found.push(`${to} ${subject}`);
          }
        });
      }
      return found.sort();
    };
    await until("all that may cross has crossed", async () => (await arrived()).length >= expected.length);
    expect(await arrived()).toEqual(expected.sort());
    process.stdout.write(
      `export and import: ${cases} cases, ${expected.length} events crossed, ${wrong.length} answered differently\n`,
    );
    expect(wrong).toEqual([]);
  });

  test("an event that claims another tenant is refused by the link and by a member of its own subnet", async () => {
    const guest = await mesh.connect("gamma/guest");
    const kitchen = await mesh.connect("alpha/kitchen");
    const seen: string[] = [];
    const subscription = await guest.subscribe(
      "ui.notify",
      { durable: "tenants" },
      ({ tenant }) => void seen.push(tenant),
    );
    const { nc } = await raw("gamma/guest");
    const id = newEventId(Date.now());
    const forged = {
      event_id: id,
      event_name: "ui.notify",
      version: 1,
      kind: "event",
      ts: new Date().toISOString(),
      source: "app@guest",
      correlation_id: id,
      tenant: "acme",
      headers: {},
      data: { text: "forged" },
    };
    await nc.request("evt.gamma.guest.ui.notify.v1", JSON.stringify(forged), { timeout: 5000 });
    await guest.publish("ui.notify", { text: "true" });
    await kitchen.publish("ui.notify", { text: "let in by a rule" });
    await until("the true ones came", () => seen.length === 2);
    expect(seen.sort()).toEqual(["acme", "other"]);
    expect(guest.stats.deadLettered).toBe(1);
    await subscription.stop();
  });

  test("what is denied is published where it was denied, counted", async () => {
    const desk = await mesh.connect("alpha/desk");
    const guest = await mesh.connect("gamma/guest");
    const seen: {
      readonly hop: string;
      readonly node: string;
      readonly rule: string;
      readonly event: string;
      readonly count: number;
    }[] = [];
    for (const bus of [desk, guest]) {
      await bus.subscribe(
        "mesh.policy.denied",
        { durable: "watch", startAt: "all" },
        ({ data }) => void seen.push(data),
      );
    }
    const { nc } = await raw("alpha/mute");
    const request = {
      durable: "x",
      pattern: "ui.notify",
      from: {},
      maxAckPending: 1,
      startAt: "new",
      answers: false,
    };
    for (let i = 0; i < 20; i++) {
      await nc.request("svc.hub.mute.durable", JSON.stringify(request), { timeout: 5000 });
    }
    const isTold = (hop: string, node: string, rule: string): boolean =>
      seen.some((one) => one.hop === hop && one.node === node && one.rule === rule);
    await until("the hub told", () => isTold("subscribe", "alpha/mute", "default-deny"));
    // The forged one of the test before.
    await until("the root told", () => isTold("export", "gamma", "tenant"));
    // The same refusal is not told each time. Those of other events are from the tests before.
    const repeated = seen.filter(({ node, event }) => node === "alpha/mute" && event === "ui.notify");
    expect(repeated.length).toBeLessThan(20);
  });
});
