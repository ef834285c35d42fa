import type { Message } from "@adaos/core";
import { expect } from "vitest";
import type { TransportHarness } from "../../harness.ts";
import { idsOf, type Scene } from "../../scene.ts";
import type { Check } from "../../tests-of.ts";

const BAD_HEADERS: readonly Readonly<Record<string, string>>[] = [
  { "Nats-Msg-Id": "other" },
  { traceparent: "00\r\nNats-Msg-Id: other" },
  { "trace:parent": "00" },
  { baggage: "naïve" },
];
const BAD_TOKENS = ["a b", "a\r\nPUB b", "*", ">", "a\0b"];
const BAD_IDS = ["", "naïve", "a\r\nNats-Msg-Id: b"];

/** The refusals of publish(). */
export function checkRefusals(check: Check, harness: TransportHarness): void {
  const { publishers, traits, forbidden } = harness;
  check(`refuses a body of ${traits.refusedBodyBytes} bytes as too-large`, async (scene) => {
    const body = new Uint8Array(traits.refusedBodyBytes);
    await expectRefused(scene, [{ ...scene.message(), body }], "too-large");
  });

  check("refuses headers as too-large where they and the body are too much together", async (scene) => {
    const baggage = "x".repeat(100_000);
    const body = new Uint8Array(traits.refusedBodyBytes - 100_000);
    await expectRefused(scene, [{ ...scene.message(), body, headers: { baggage } }], "too-large");
  });

  check("refuses headers that are reserved, ill-formed or not ASCII as invalid-event", async (scene) => {
    const refused = BAD_HEADERS.map((headers) => ({ ...scene.message(), headers }));
    await expectRefused(scene, refused, "invalid-event");
  });

  check("refuses subjects with spaces, line breaks, wildcards or NUL as invalid-event", async (scene) => {
    const { subject } = scene.message();
    const refused = BAD_TOKENS.map((token) => ({
      ...scene.message(),
      subject: subject.replace("told", token),
    }));
    await expectRefused(scene, refused, "invalid-event");
  });

  check("refuses ids that are empty, not ASCII or of several lines as invalid-event", async (scene) => {
    const refused = BAD_IDS.map((id) => ({ ...scene.message(), id }));
    await expectRefused(scene, refused, "invalid-event");
  });

  check("refuses a message in another node's name as denied", async (scene) => {
    await expectRefused(scene, [scene.message({ from: publishers[1] })], "denied");
  });

  const says = traits.enforcesRights
    ? "refuses an event that policy does not allow as denied"
    : "takes an event that policy does not allow: that is for its caller to check";
  check(says, async (scene) => {
    const message = scene.message({ name: forbidden });
    if (traits.enforcesRights) return expectRefused(scene, [message], "denied");
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, { pattern: forbidden });
    await from.publish(message);
    await received.until(message);
  });
}

/** The temporary refusal. It fills the log, so no other test may run meanwhile. */
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
    // The store may still count dropped messages; the refusal ends by itself.
    const again = (): Promise<unknown> =>
      from.publish(scene.message()).then(
        () => "stored",
        (refusal: unknown) => refusal,
      );
    await expect.poll(again, { timeout: 30_000, interval: 250 }).toBe("stored");
  });
}

/** Publishes until the first refusal, within a number that certainly does not fit. */
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

/** Expects refusals that store nothing, and that stop neither earlier messages nor later ones of their tick. */
async function expectRefused(scene: Scene, refused: readonly Message[], code: string): Promise<void> {
  const [from, to] = await scene.openBoth();
  const received = await scene.subscribe(to);
  const [first, ...later] = scene.messages(refused.length + 1);
  if (first === undefined) throw new Error("no message");
  const good = [from.publish(first)];
  const refusals: Promise<unknown>[] = [];
  for (const [i, message] of refused.entries()) {
    refusals.push(from.publish(message).catch((refusal: unknown) => refusal));
    good.push(...later.slice(i, i + 1).map((next) => from.publish(next)));
  }
  await Promise.all(good);
  const expected = refused.map(() => expect.objectContaining({ name: "MeshError", code }));
  expect(await Promise.all(refusals)).toEqual(expected);
  await received.until(later);
  expect(received.ids).toEqual(idsOf([first, ...later]));
}
