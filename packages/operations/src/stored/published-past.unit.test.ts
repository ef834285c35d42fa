import { describe, expect, test } from "vitest";
import { envelopeOf, messageOfEnvelope } from "../../../../test/kit/stand-ins.ts";
import { published } from "./published-past.ts";

describe("published()", () => {
  test("reads an event by its subject", () => {
    const envelope = envelopeOf();
    const { subject, body } = messageOfEnvelope(envelope);
    expect(published(7, subject, body)).toMatchObject({ seq: 7, envelope, address: { name: "ui.notify" } });
  });

  test.each([
    ["no JSON", '{"data": canary}'],
    ["data that nobody can carry", JSON.stringify(envelopeOf({ data: { canary: 2 ** 60 } as never }))],
  ])("says of %s what is wrong, and names nothing of it", (_, text) => {
    const { subject } = messageOfEnvelope(envelopeOf());
    const found = published(7, subject, new TextEncoder().encode(text));
    expect(found).toMatchObject({ seq: 7, subject, problem: { code: "invalid-event" } });
    expect(String("problem" in found && found.problem.message)).not.toContain("canary");
  });
});
