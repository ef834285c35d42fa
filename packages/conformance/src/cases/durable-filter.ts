import type { Message } from "@adaos/core";
import { expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import type { Received } from "../received.ts";
import { type Interest, idsOf, publishAll, type Scene } from "../scene.ts";
import type { Check } from "../tests-of.ts";

/** The messages that a durable matches. */
export function checkFilters(check: Check, harness: TransportHarness): void {
  checkPatterns(check, harness);
  checkOrigins(check, harness);

  check("means what was asked for last", async (scene) => {
    const [from, to] = await scene.openBoth();
    const [one, two] = [`${scene.topic}one`, `${scene.topic}two`];
    const first = await scene.subscribe(to, { pattern: one });
    const wanted = scene.message({ name: one });
    await from.publish(wanted);
    await first.until(wanted);
    await first.stop();
    const second = await scene.subscribe(to, { pattern: two });
    const last = scene.message({ name: two });
    await publishAll(from, [scene.message({ name: one }), last]);
    await second.until(last);
    expect(second.ids).toEqual(idsOf([last]));
  });
}

/** Names below the topic of a scene, and versions. */
const EVENTS = [
  ["ui.notify", 1],
  ["ui.notify", 2],
  ["ui.notify.sent", 1],
  ["ui.notify-all", 1],
  ["ui-x.notify", 1],
] as const;

/** Patterns below the topic of a scene, and the events that they match. */
const MEANT: readonly (readonly [string, readonly number[]])[] = [
  ["ui.notify@1", [0]],
  ["ui.notify@2", [1]],
  ["ui.notify", [0, 1]],
  ["ui.notify.", [2]],
  ["ui.", [0, 1, 2, 3]],
  ["", [0, 1, 2, 3, 4]],
];

function checkPatterns(check: Check, { subscribers }: TransportHarness): void {
  const eventsOf = (scene: Scene): Message[] =>
    EVENTS.map(([leaf, version]) => scene.message({ name: `${scene.topic}${leaf}`, version }));

  check("means one version, every version, or everything below a prefix", async (scene) => {
    const [from, to] = await scene.openBoth();
    const probes: Probe[] = [];
    for (const [i, [pattern, meant]] of MEANT.entries()) {
      const interest = { durable: `p${i}`, pattern: `${scene.topic}${pattern}` };
      probes.push({ received: await scene.subscribe(to, interest), meant });
    }
    await expectMeant(probes, async () => {
      const messages = eventsOf(scene);
      await publishAll(from, messages);
      return messages;
    });
  });

  check("means all", async (scene) => {
    const [from] = await scene.openBoth();
    const received = await scene.subscribe(await scene.open(subscribers[1]), { pattern: "*" });
    await expectMeant([{ received, meant: [0, 1, 2, 3, 4] }], async () => {
      const messages = eventsOf(scene);
      await publishAll(from, messages);
      return messages;
    });
  });
}

function checkOrigins(check: Check, { publishers, subscribers }: TransportHarness): void {
  const [{ subnet, node }, other] = publishers;
  const origins: readonly (readonly [NonNullable<Interest["from"]>, readonly number[]])[] = [
    [{ subnet: "elsewhere" }, []],
    [{ node: "nobody" }, []],
    [{}, [0, 1]],
    [{ subnet }, [0, 1]],
    [{ node }, [0]],
    [{ node: other.node }, [1]],
    [{ subnet, node: other.node }, [1]],
  ];
  check("means any origin, or a subnet, a node, or both", async (scene) => {
    const to = await scene.open(subscribers[0]);
    const from = [await scene.open(publishers[0]), await scene.open(publishers[1])] as const;
    const probes: Probe[] = [];
    for (const [i, [origin, meant]] of origins.entries()) {
      probes.push({ received: await scene.subscribe(to, { durable: `o${i}`, from: origin }), meant });
    }
    await expectMeant(probes, async () => {
      const messages = publishers.map((publisher) => scene.message({ from: publisher }));
      for (const [i, message] of messages.entries()) await from[i]?.publish(message);
      return messages;
    });
  });
}

/** A subscription, and the messages of a round that it matches. */
interface Probe {
  readonly received: Received;
  readonly meant: readonly number[];
}

/** Publishes two rounds. A subscription that has its messages of the second round will get no more of the first. */
async function expectMeant(probes: readonly Probe[], publishRound: () => Promise<Message[]>): Promise<void> {
  const first = await publishRound();
  const second = await publishRound();
  const meantOf = (round: readonly Message[], { meant }: Probe): Message[] =>
    round.filter((_, i) => meant.includes(i));
  for (const probe of probes) await probe.received.until(meantOf(second, probe));
  const ids = new Set(idsOf(first));
  const given = probes.map(({ received }) => received.ids.filter((id) => ids.has(id)));
  expect(given).toEqual(probes.map((probe) => idsOf(meantOf(first, probe))));
}
