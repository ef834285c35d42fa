import { fileURLToPath } from "node:url";
import { bundleFolder, type RegistryBundle } from "@adaos/registry";
import type { Connection, RegistryOffer } from "@adaos/transport-nats";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../test/kit/stand-ins.ts";
import { RegistryOffers } from "./registry-offers.ts";

let bundle: RegistryBundle;
beforeAll(async () => {
  bundle = await bundleFolder(fileURLToPath(new URL("../../../schemas/events", import.meta.url)));
});

/** Offers to one hub that answers as it likes; resolves with what it was sent and what the root tells of it. */
async function offerTo(
  answer: (offer: RegistryOffer) => unknown,
  isOver: (told: unknown) => boolean,
): Promise<{ readonly sent: RegistryOffer[]; readonly told: unknown }> {
  const sent: RegistryOffer[] = [];
  const request = async (_subject: string, text: string): Promise<{ json(): unknown }> => {
    const offer = JSON.parse(text) as RegistryOffer;
    sent.push(offer);
    const said = answer(offer);
    return { json: () => said };
  };
  const offers = new RegistryOffers({
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

describe("RegistryOffers", () => {
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
