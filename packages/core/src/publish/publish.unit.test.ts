import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contractOf, meshErrorOf, registryOf } from "../../../../test/kit/stand-ins.ts";
import { decodeEnvelope, MAX_ENVELOPE_BYTES } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { parseEventPattern } from "../language/event-pattern.ts";
import { Policy } from "../policy/policy.ts";
import type { EventContract } from "../transport.ts";
import { handlerScope } from "./handler-scope.ts";
import { type Publisher, type PublishOptions, prepareEvent } from "./publish.ts";

const NOW_MS = Date.UTC(2025, 8, 23, 16, 20, 0, 7);
const address = { subnet: "alpha", node: "kitchen" };

function publisherOf(...contracts: readonly EventContract[]): Publisher {
  const rule = {
    id: "kitchen-ui",
    effect: "allow",
    verb: "publish",
    ...address,
    pattern: parseEventPattern("ui."),
  } as const;
  return {
    address,
    component: "app",
    tenant: "default",
    policy: new Policy([rule]),
    registry: registryOf(...contracts),
  };
}

const NOTIFY = contractOf("ui.notify");

function prepare(
  data: unknown,
  options: PublishOptions = {},
  publisher: Publisher = publisherOf(NOTIFY),
): ReturnType<typeof prepareEvent> {
  return prepareEvent(publisher, "ui.notify", data, options, NOW_MS);
}

describe("prepareEvent()", () => {
  test("fills the envelope and puts it under the publisher's own subject", () => {
    const { envelope, message } = prepare({ text: "x" });
    expect(envelope).toEqual({
      event_id: expect.stringMatching(/^EVT-20250923-162000-[0-9a-f]{12}$/),
      event_name: "ui.notify",
      version: 1,
      kind: "event",
      ts: "2025-09-23T16:20:00.007Z",
      source: "app@kitchen",
      correlation_id: envelope.event_id,
      tenant: "default",
      headers: {},
      data: { text: "x" },
    });
    expect(message).toMatchObject({
      subject: "evt.alpha.kitchen.ui.notify.v1",
      id: envelope.event_id,
      headers: {},
    });
    expect(decodeEnvelope(message.body)).toEqual(envelope);
  });

  test("takes what the caller says of id, correlation, causation, headers and component", () => {
    const { envelope, message } = prepare("x", {
      eventId: "EVT-20250101-000000-abcdef",
      correlationId: "c-1",
      causationId: "e-1",
      idempotencyKey: "k",
      headers: { a: "b" },
      component: "skill.ui",
    });
    expect(envelope).toMatchObject({
      event_id: "EVT-20250101-000000-abcdef",
      correlation_id: "c-1",
      causation_id: "e-1",
      headers: { a: "b", idempotency_key: "k" },
      source: "skill.ui@kitchen",
      tenant: "default",
    });
    expect(message.id).toBe("EVT-20250101-000000-abcdef");
  });

  test("takes the newest version, or the one that is named, and the contract's kind", () => {
    const publisher = publisherOf(NOTIFY, contractOf("ui.notify", { version: 3, kind: "command" }));
    expect(prepare("x", {}, publisher).message.subject).toBe("evt.alpha.kitchen.ui.notify.v3");
    expect(prepare("x", {}, publisher).envelope.kind).toBe("command");
    const first = prepareEvent(publisher, "ui.notify@1", "x", {}, NOW_MS);
    expect(first.envelope).toMatchObject({ version: 1, kind: "event" });
  });

  test("asks the policy before the registry: who may not publish learns nothing of what exists", () => {
    const publisher = publisherOf(NOTIFY, contractOf("nlp.known"));
    for (const name of ["nlp.known", "nlp.unknown", "nlp.unknown@7"]) {
      const error = meshErrorOf(() => prepareEvent(publisher, name, {}, {}, NOW_MS));
      expect(error).toMatchObject({ code: "denied", rule: "default-deny" });
    }
  });

  test("says of an allowed event that nobody knows it", () => {
    const error = meshErrorOf(() => prepareEvent(publisherOf(), "ui.notify", {}, {}, NOW_MS));
    expect(error.code).toBe("unknown-event");
  });

  test("asks the policy about the very version, known or not", () => {
    const rule = { id: "r", effect: "allow", verb: "publish", ...address } as const;
    const publisher = (pattern: string): Publisher => ({
      ...publisherOf(),
      policy: new Policy([{ ...rule, pattern: parseEventPattern(pattern) }]),
    });
    const codeOf = (pattern: string, ref: string): string =>
      meshErrorOf(() => prepareEvent(publisher(pattern), ref, {}, {}, NOW_MS)).code;
    expect(codeOf("ui.notify@7", "ui.notify@7")).toBe("unknown-event");
    expect(codeOf("ui.notify@7", "ui.notify@8")).toBe("denied");
    expect(codeOf("ui.notify@1", "ui.notify")).toBe("unknown-event");
  });

  test("passes on what else the registry throws", () => {
    const broken = new MeshError("invalid-config", "schema does not compile");
    const publisher: Publisher = {
      ...publisherOf(),
      registry: {
        ...registryOf(),
        resolve: () => {
          throw broken;
        },
      },
    };
    expect(meshErrorOf(() => prepareEvent(publisher, "ui.notify", {}, {}, NOW_MS))).toBe(broken);
  });

  test("refuses a name that is none as invalid-event", () => {
    expect(meshErrorOf(() => prepareEvent(publisherOf(), "ui.>", {}, {}, NOW_MS)).code).toBe("invalid-event");
  });

  test("names pointer and schema of data that breaks its schema", () => {
    const violations = [
      { pointer: "/text", expected: "must be string" },
      { pointer: "", expected: "must have colour" },
    ];
    const strict = contractOf("ui.notify", { validate: () => ({ valid: false, violations }) });
    const error = meshErrorOf(() => prepare({ text: 7 }, {}, publisherOf(strict)));
    expect(error).toMatchObject({ code: "invalid-event", violations, schema: "urn:test:ui.notify" });
    expect(error.message).toBe(
      "ui.notify@1 breaks its schema urn:test:ui.notify: /text must be string; the data must have colour",
    );
  });

  test.each<[what: string, options: PublishOptions, pointer: string]>([
    ["event id", { eventId: "EVT-1" }, "/event_id"],
    ["component", { component: "a b" }, "/source"],
    ["empty correlation id", { correlationId: "" }, "/correlation_id"],
    ["header", { headers: { a: "x".repeat(1025) } }, "/headers/a"],
    ["idempotency key", { idempotencyKey: "x".repeat(1025) }, "/headers/idempotency_key"],
  ])("refuses a wrong %s", (_, options, pointer) => {
    expect(meshErrorOf(() => prepare("x", options)).violations[0]?.pointer).toBe(pointer);
  });

  test("refuses an envelope above the limit as too-large", () => {
    expect(meshErrorOf(() => prepare("x".repeat(MAX_ENVELOPE_BYTES))).code).toBe("too-large");
  });
});

describe("prepareEvent(), headers that the registry requires", () => {
  const needs = (...requiredHeaders: readonly string[]): Publisher =>
    publisherOf(contractOf("ui.notify", { requiredHeaders }));

  test("names the header that is missing", () => {
    const error = meshErrorOf(() => prepare("x", {}, needs("idempotency_key")));
    expect(error).toMatchObject({
      code: "invalid-event",
      violations: [{ pointer: "/headers/idempotency_key", expected: "is required" }],
    });
  });

  test.each<[header: string, options: PublishOptions]>([
    ["idempotency_key", { idempotencyKey: "k" }],
    ["locale", { headers: { locale: "en" } }],
    ["correlation_id", {}],
    ["causation_id", { causationId: "e-1" }],
  ])("finds %s in the headers or among the envelope's fields", (header, options) => {
    expect(prepare("x", options, needs(header)).message.subject).toContain("ui.notify");
  });

  test.each(["causation_id", "constructor", "toString", "__proto__"])("does not make up %s", (header) => {
    expect(meshErrorOf(() => prepare("x", {}, needs(header))).code).toBe("invalid-event");
  });
});

describe("prepareEvent(), inside a handler", () => {
  const scope = { correlationId: "c-7", eventId: "EVT-20250923-161959-0123456789ab" };

  test("inherits the correlation and names the handled event as its cause", async () => {
    const { envelope } = await handlerScope.run(scope, async () => {
      await Promise.resolve();
      return prepare("x");
    });
    expect(envelope).toMatchObject({ correlation_id: "c-7", causation_id: scope.eventId });
  });

  test("lets the caller say otherwise", () => {
    const { envelope } = handlerScope.run(scope, () =>
      prepare("x", { correlationId: "c", causationId: "e" }),
    );
    expect(envelope).toMatchObject({ correlation_id: "c", causation_id: "e" });
  });
});

describe("prepareEvent(), data that is not JSON", () => {
  const circle: Record<string, unknown> = {};
  circle["circle"] = circle;

  test.each([
    ["a cycle", circle],
    ["a BigInt", { n: 1n }],
    ["nothing", undefined],
    ["NaN", { n: Number.NaN }],
    ["a function", () => 1],
    ["65 levels", JSON.parse("[".repeat(65) + "]".repeat(65))],
    [
      "a toJSON() that throws",
      new (class {
        toJSON(): never {
          throw new Error("x");
        }
      })(),
    ],
  ])("refuses %s as invalid-event, though the schema would take anything", (_, data) => {
    expect(meshErrorOf(() => prepare(data)).code).toBe("invalid-event");
  });

  test("makes no message that a reader would refuse", () => {
    const options = { withBigInt: true, withDate: true, withMap: true, withSet: true, withSparseArray: true };
    fc.assert(
      fc.property(fc.anything({ ...options, withNullPrototype: true, maxDepth: 4 }), (data) => {
        let body: Uint8Array;
        try {
          body = prepare(data).message.body;
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: "MeshError", code: "invalid-event" });
          return;
        }
        expect(decodeEnvelope(body).event_name).toBe("ui.notify");
      }),
      { numRuns: 500 },
    );
  });
});
