import { NonRetryableError } from "@adaos/client";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, TestMesh, until } from "../kit/mesh.ts";

const COUNT = 10_000;
const CHUNK = 1000;
/** The replay is killed when so few dead letters are left. */
const KILLS_BELOW = [9000, 7500, 6000];
/** A server that stores ten thousand failures answers late. */
const BUSY_MS = 60_000;
/** A replay of all, on a machine that has other things to do. */
const LIMIT_MS = 120_000;

const YAML = `
mesh: replay
registry: ../schemas/events
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.] }
      speaker: { subscribe: [ui.] }
`;

const REPLAY = ["events", "dlq", "replay", "--durable", "screen", "--yes", "--json"];

describe("a replay of dead letters", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  test("that is killed three times gives 10,000 events to their handler, each once, and to no other", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    const effects: string[] = [];
    let broken = true;
    await speaker.subscribe("ui.notify", { durable: "screen", maxConcurrency: 1000 }, (event) => {
      if (broken) throw new NonRetryableError("no such screen");
      effects.push(event.causation_id ?? "");
    });
    // Hides nothing that comes to it, not even what came before.
    const seen: string[] = [];
    await speaker.subscribe("ui.notify", { durable: "witness", idempotency: "off" }, ({ event_id }) => {
      seen.push(event_id);
    });

    const published: string[] = [];
    for (let first = 0; first < COUNT; first += CHUNK) {
      const chunk = Array.from({ length: CHUNK }, (_, i) =>
        kitchen.publish("ui.notify", { text: `no. ${first + i}` }),
      );
      for (const { eventId } of await Promise.all(chunk)) published.push(eventId);
    }
    await mesh.asService("alpha", async (nc) => {
      await until("all are dead letters", async () => (await deadLetters(nc)) === COUNT, LIMIT_MS);
      await until("all are settled", () => isIdle(nc, "speaker_screen"));
      broken = false;

      for (const below of KILLS_BELOW) await replayKilledBelow(nc, below);
      const { code, stdout, stderr } = await mesh.adaos(REPLAY);
      expect(code, stderr).toBe(0);
      // Nothing is left for it where the last look came so late that the killed one had done all.
      const { failed = 0 } = JSON.parse(stdout) as { readonly failed?: number };
      expect(failed).toBe(0);

      expect(await deadLetters(nc)).toBe(0);
      await until("all are handled", () => new Set(effects).size >= COUNT, LIMIT_MS);
      await until("nothing more comes", async () => {
        return (await isIdle(nc, "speaker_screen")) && (await isIdle(nc, "speaker_witness"));
      });
      expect(await deadLetters(nc)).toBe(0);
    });
    expect(notOnce(published, effects)).toEqual([]);
    expect(notOnce(published, seen)).toEqual([]);
  }, 300_000);

  async function replayKilledBelow(nc: NatsConnection, below: number): Promise<void> {
    // Slow enough for a look at how far it is: at full speed the last thousands take less.
    const { child, result } = mesh.begin([...REPLAY, "--rate", "1500"]);
    let ended: CliResult | undefined;
    void result.then((how) => {
      ended = how;
    });
    await until(
      `fewer than ${below} are left`,
      async () => ended !== undefined || (await deadLetters(nc)) < below,
      LIMIT_MS,
    );
    child.kill("SIGKILL");
    const { stderr } = await result;
    expect(child.signalCode, `it should not have ended by itself: ${stderr}`).toBe("SIGKILL");
  }
});

/** Ids that came not at all, more than once, or unasked, with how often they came. */
function notOnce(expected: readonly string[], came: readonly string[]): (readonly [string, number])[] {
  const counts = new Map(expected.map((id) => [id, 0]));
  for (const id of came) counts.set(id, (counts.get(id) ?? 0) + 1);
  const asked = new Set(expected);
  return [...counts].filter(([id, count]) => count !== 1 || !asked.has(id));
}

async function deadLetters(nc: NatsConnection): Promise<number> {
  const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: BUSY_MS });
  return (await jsm.streams.info("DLQ_alpha")).state.messages;
}

async function isIdle(nc: NatsConnection, durable: string): Promise<boolean> {
  const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: BUSY_MS });
  const { num_pending, num_ack_pending } = await jsm.consumers.info("EVENTS_alpha", durable);
  return num_pending === 0 && num_ack_pending === 0;
}
