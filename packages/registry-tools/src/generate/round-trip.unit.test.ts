import { decodeEnvelope, type Envelope, encodeEnvelope } from "@adaos/core";
import { loadRegistry } from "@adaos/registry";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dataOf } from "../../../../test/kit/schema-arbitrary.ts";

const registry = await loadRegistry("schemas/events");
const RUNS = 100;

describe("each contract of this repository", () => {
  test.each(registry.records)(
    "$name@$version: data made by its schema is published and comes back",
    (record) => {
      const contract = registry.resolve(record.name, record.version);
      const schema = registry.schemaOf(record.name, record.version);
      let seen = 0;
      fc.assert(
        fc.property(dataOf(schema), (data) => {
          const isConditional = Object.hasOwn(schema, "if");
          const verdict = contract.validate(data);
          if (isConditional && !verdict.valid) return;
          expect(verdict).toEqual({ valid: true, violations: [] });
          seen++;
          const back = decodeEnvelope(encodeEnvelope(envelopeOf(record.name, record.version, data)));
          expect(back.data).toEqual(data);
          expect(contract.validateReceived(back.data).valid).toBe(true);
          for (const name of (schema["required"] ?? []) as string[]) {
            const { [name]: _, ...rest } = data as Record<string, unknown>;
            expect(contract.validate(rest).valid, `without ${name}`).toBe(false);
          }
        }),
        { numRuns: RUNS },
      );
      expect(seen).toBeGreaterThan(RUNS / 10);
    },
  );
});

function envelopeOf(name: string, version: number, data: unknown): Envelope {
  return {
    event_id: "EVT-20260101-000000-0123456789ab",
    event_name: name,
    version,
    kind: "event",
    ts: "2026-01-01T00:00:00.000Z",
    source: "skill.test@kitchen",
    correlation_id: "EVT-20260101-000000-0123456789ab",
    tenant: "default",
    headers: {},
    data,
  };
}
