import type { Message } from "@adaos/core";
import { expect } from "vitest";
import type { TransportHarness } from "./harness.ts";
import { type Check, idsOf, type Scene } from "./scene.ts";

const BAD_HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "of a reserved name": { "Nats-Msg-Id": "other" },
  "with a line break in its value": { traceparent: "00\r\nNats-Msg-Id: other" },
  "with a colon in its name": { "trace:parent": "00" },
  "that is not ASCII": { baggage: "naïve" },
};

/** The refusals of publish(). */
export function checkRefusals(check: Check, harness: TransportHarness): void {
  const { publishers, traits, forbidden } = harness;
  check(`refuses a body of ${traits.refusedBodyBytes} bytes as too-large`, async (scene) => {
    const body = new Uint8Array(traits.refusedBodyBytes);
    await expectRefused(scene, { ...scene.message(), body }, "too-large");
  });

  for (const [what, headers] of Object.entries(BAD_HEADERS)) {
    check(`refuses a header ${what} as invalid-event`, async (scene) => {
      await expectRefused(scene, { ...scene.message(), headers }, "invalid-event");
    });
  }

  check("refuses a message in another node's name as denied", async (scene) => {
    await expectRefused(scene, scene.message({ from: publishers[1] }), "denied");
  });

  const says = traits.enforcesRights
    ? "refuses an event that policy does not allow as denied"
    : "takes an event that policy does not allow: that is for its caller to check";
  check(says, async (scene) => {
    const message = scene.message({ name: forbidden });
    if (traits.enforcesRights) return expectRefused(scene, message, "denied");
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, { pattern: forbidden });
    await from.publish(message);
    await received.until(message);
  });
}

/** The refusal that passes. Fills the log up, so that no other test can run meanwhile. */
export function checkFullLog(check: Check, log: NonNullable<TransportHarness["log"]>): void {
  check("is refused with backpressure, and nothing that it holds is dropped", async (scene) => {
    const { publishers, subscribers } = scene.harness;
    await log.empty();
    const from = await scene.open(publishers[0]);
    const { stored, refusals } = await fill(scene, log.maxBytes, (message) => from.publish(message));
    expect(refusals).toEqual([expect.objectContaining({ name: "MeshError", code: "backpressure" })]);
    const received = await scene.subscribe(await scene.open(subscribers[0]), { startAt: "all" });
    await received.until(stored);
    expect(received.ids).toEqual(idsOf(stored));
    await log.empty();
  });
}

/** Publishes until the first refusal, but no more than cannot possibly fit. */
async function fill(
  scene: Scene,
  maxBytes: number,
  publish: (message: Message) => Promise<unknown>,
): Promise<{ readonly stored: Message[]; readonly refusals: unknown[] }> {
  const bytes = Math.min(scene.harness.traits.maxBodyBytes, Math.floor(maxBytes / 4));
  const stored: Message[] = [];
  const refusals: unknown[] = [];
  while (refusals.length === 0 && stored.length * bytes <= maxBytes) {
    const next = scene.message({ bytes });
    await publish(next).then(
      () => stored.push(next),
      (refusal: unknown) => refusals.push(refusal),
    );
  }
  return { stored, refusals };
}

/** A refusal that stores nothing and stops neither what was published before it nor what comes after it in its tick. */
async function expectRefused(scene: Scene, refused: Message, code: string): Promise<void> {
  const [from, to] = await scene.openBoth();
  const received = await scene.subscribe(to);
  const [before, after] = [scene.message(), scene.message()];
  const all = [before, refused, after].map((message) => from.publish(message));
  const outcomes = await Promise.allSettled(all);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({ reason: { name: "MeshError", code } });
  await received.until(after);
  expect(received.ids).toEqual(idsOf([before, after]));
}
