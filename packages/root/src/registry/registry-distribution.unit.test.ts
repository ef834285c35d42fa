import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import { bundleFolder, type RegistryBundle } from "@adaos/registry";
import type { Connection, RegistryOffer } from "@adaos/transport-nats";
import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { parseOfferReply, RegistryDistribution } from "./registry-distribution.ts";

let bundle: RegistryBundle;
beforeAll(async () => {
  bundle = await bundleFolder(fileURLToPath(new URL("../../../../schemas/events", import.meta.url)));
});

/** Offers to one hub with arbitrary answers; resolves with the sent offers and the root's health of it. */
async function offerTo(
  answer: (offer: RegistryOffer) => unknown,
  isOver: (told: unknown) => boolean,
): Promise<{ readonly sent: RegistryOffer[]; readonly told: unknown }> {
  const sent: RegistryOffer[] = [];
  const request = async (_subject: string, text: string): Promise<{ data: Uint8Array }> => {
    const offer = JSON.parse(text) as RegistryOffer;
    sent.push(offer);
    const said = answer(offer);
    return { data: new TextEncoder().encode(JSON.stringify(said)) };
  };
  const offers = new RegistryDistribution({
    node: "root",
    subnets: () => ["alpha"],
    bundle: () => bundle,
    connection: { nc: { request } } as unknown as Connection,
    log: new RecordingLog(),
  });
  const told = (): unknown => offers.health().details?.["alpha"];
  await offers.start();
  await vi.waitFor(() => expect(isOver(told())).toBe(true), { timeout: 30_000 });
  await offers.stop();
  return { sent, told: told() };
}

describe("RegistryDistribution", () => {
  test("hands a hub the parts that it asks for", async () => {
    const { sent, told } = await offerTo(
      ({ part, digest }) => (part === undefined ? { next: 0 } : { have: digest }),
      (now) => now === "has it",
    );
    expect(told).toBe("has it");
    expect(sent.map(({ part }) => part?.offset)).toEqual([undefined, 0]);
  });

  test.each([
    ["asks for the same part for ever", () => ({ next: 0 })],
    ["asks for what there is not", () => ({ next: 1e9 })],
    ["says nothing", () => ({})],
    ["says no object", () => null],
    ["says too much", () => ({ refused: "x".repeat(100_000) })],
  ])("is not kept busy by a hub that %s", async (_what, answer) => {
    const { sent, told } = await offerTo(answer, (now) => now !== undefined);
    expect(sent.length).toBeLessThanOrEqual(3);
    expect(String(told).length).toBeLessThanOrEqual(300);
  });
});

describe("parseOfferReply()", () => {
  test.each([
    ['{"have":"abc"}', { have: "abc" }],
    ['{"next":0}', { next: 0 }],
    ['{"refused":"no\\u001bsuch"}', { refused: "no?such" }],
  ])("reads %s", (text, reply) => {
    expect(parseOfferReply(new TextEncoder().encode(text))).toEqual(reply);
  });

  test("gives an answer or refuses, whatever comes", () => {
    const any = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record({ have: fc.jsonValue(), next: fc.jsonValue(), refused: fc.jsonValue() }, { requiredKeys: [] })
        .map((reply) => new TextEncoder().encode(JSON.stringify(reply))),
    );
    fc.assert(
      fc.property(any, (body) => {
        try {
          const [[key, value] = []] = Object.entries(parseOfferReply(body));
          expect(key === "next" ? Number.isSafeInteger(value) : typeof value === "string").toBe(true);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MeshError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
