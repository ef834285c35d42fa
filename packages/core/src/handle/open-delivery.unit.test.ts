import { describe, expect, test } from "vitest";
import { envelopeOf, meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { assertOrigin } from "./open-delivery.ts";

describe("assertOrigin()", () => {
  const address = { subnet: "alpha", node: "kitchen", name: "ui.notify", version: 1 };

  test("takes what its subject says", () => {
    expect(() => assertOrigin(envelopeOf({ source: "skill.nlp@kitchen" }), address)).not.toThrow();
  });

  test.each([
    ["another event", envelopeOf({ event_name: "ui.other" })],
    ["another version", envelopeOf({ version: 2 })],
    ["another node", envelopeOf({ source: "app@desk" })],
    ["a node that only ends alike", envelopeOf({ source: "app@x-kitchen" })],
    ["a node that only begins alike", envelopeOf({ source: "app@kitchen-2" })],
  ])("refuses %s as invalid-event", (_, envelope) => {
    expect(meshErrorOf(() => assertOrigin(envelope, address)).code).toBe("invalid-event");
  });
});
