import { readNodeFile, readSeed } from "@adaos/config";
import { MeshError, newEventId, type PublishReceipt } from "@adaos/core";
import { eventIdWithin, openConnection, StreamPublisher } from "@adaos/transport-nats";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

let mesh: TestMesh;

const YAML = `
mesh: publisher
registry: ../schemas/events
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.] }
`;

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: YAML });
});
afterAll(() => mesh.stop());

const ALLOWED = "evt.alpha.kitchen.ui.notify.v1";
const DENIED = "evt.alpha.kitchen.nlp.secret.v1";

/** What befalls the server while it is being published to. */
type Fault = "none" | "hangs" | "killed";

const plan = fc.record({
  bursts: fc.array(
    fc.record({
      count: fc.constantFrom(1, 2, 19, 20, 40, 700),
      pauseMs: fc.constantFrom(0, 0, 1, 20),
      /** The first of a burst: denied by the server, or published under the id of the one before it. */
      first: fc.constantFrom<"good" | "denied" | "repeated">("good", "good", "denied", "repeated"),
    }),
    { minLength: 4, maxLength: 10 },
  ),
  fault: fc.constantFrom<Fault>("none", "hangs", "killed"),
  faultAt: fc.nat(3),
});

async function befall(fault: Fault): Promise<void> {
  if (fault === "none") return;
  const pid = mesh.pid("nats-alpha");
  if (fault === "killed") {
    process.kill(pid, "SIGKILL");
    await until("the server is started anew", () => mesh.isReplaced("nats-alpha", pid));
    return;
  }
  process.kill(pid, "SIGSTOP");
  // Longer than a publisher waits for an answer before it asks again.
  setTimeout(() => process.kill(pid, "SIGCONT"), 3000);
}

function lastStored(): Promise<number> {
  return mesh.asService("alpha", async (nc) => {
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    return (await jsm.streams.info("EVENTS_alpha")).state.last_seq;
  });
}

/** Ids in the order in which they are stored behind `after`, with their sequences. */
async function storedAfter(after: number): Promise<Map<string, number[]>> {
  return mesh.asService("alpha", async (nc) => {
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    const { last_seq: last } = (await jsm.streams.info("EVENTS_alpha")).state;
    const stored = new Map<string, number[]>();
    for (let seq = after + 1; seq <= last; seq++) {
      const { header, subject } = await jsm.streams.getMessage("EVENTS_alpha", { seq });
      // Hub and root publish events of their own.
      if (subject !== ALLOWED) continue;
      const id = eventIdWithin(header.get("Nats-Msg-Id"));
      stored.set(id, [...(stored.get(id) ?? []), seq]);
    }
    return stored;
  });
}

test("a real server: what is said to be stored is, once, where it is said, and in order, whatever befalls", async () => {
  const { config, path } = readNodeFile(
    mesh.layout().nodes.find(({ id }) => id === "alpha/kitchen")?.nodeFile ?? "",
    "member",
  );
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  let tried = 0;
  await fc.assert(
    fc.asyncProperty(plan, async ({ bursts, fault, faultAt }) => {
      const before = await lastStored();
      const connection = await openConnection({
        url: config.server.url,
        name: "alpha/kitchen",
        user: "kitchen",
        seed: readSeed(path(config.server.seedFile)),
        log,
      });
      const publisher = new StreamPublisher(connection, { timeoutMs: 30_000 });
      const ids: string[] = [];
      const outcomes: Promise<{ id: string; subject: string; ended: PublishReceipt | MeshError }>[] = [];
      const publish = (id: string, subject: string): void => {
        const body = new TextEncoder().encode(JSON.stringify({ id }));
        tried++;
        outcomes.push(
          publisher.publish({ subject, id, headers: {}, body }).then(
            (ended) => ({ id, subject, ended }),
            (ended: MeshError) => ({ id, subject, ended }),
          ),
        );
      };
      let befalling: Promise<void> | undefined;
      for (const [i, { count, pauseMs, first }] of bursts.entries()) {
        if (i === faultAt) befalling = befall(fault);
        for (let n = 0; n < count; n++) {
          const isFirst = n === 0;
          const last = ids.at(-1);
          if (isFirst && first === "repeated" && last !== undefined) publish(last, ALLOWED);
          else if (isFirst && first === "denied") publish(newEventId(Date.now()), DENIED);
          else {
            const id = newEventId(Date.now());
            ids.push(id);
            publish(id, ALLOWED);
          }
        }
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      await befalling;
      const ended = await Promise.all(outcomes);
      await publisher.close();
      await connection.close();
      const stored = await storedAfter(before);
      for (const { id, subject, ended: outcome } of ended) {
        const code = outcome instanceof MeshError ? outcome.code : outcome.stream;
        // What was sent to a server that did not answer is not known to be refused, not even when it is denied
        // afterwards.
        const refused = fault === "none" ? ["denied"] : ["denied", "timeout"];
        expect(subject === DENIED ? refused : ["EVENTS_alpha"]).toContain(code);
        if (!(outcome instanceof MeshError)) expect(stored.get(id)).toEqual([outcome.seq]);
      }
      expect([...stored.keys()]).toEqual(ids);
    }),
    { numRuns: 8 },
  );
  process.stdout.write(`${tried} messages published\n`);
}, 240_000);
