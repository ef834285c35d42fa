import { fileURLToPath } from "node:url";
import { NonRetryableError } from "@adaos/core";
import { linkSpan } from "@adaos/core/wire";
import * as semconv from "@opentelemetry/semantic-conventions/incubating";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type CollectedSpan, OtlpCollector } from "../../../test/kit/otlp-collector.ts";
import { envelopeOf, messageOfEnvelope, RecordingLog } from "../../../test/kit/stand-ins.ts";
import { connect } from "./connect.ts";

const MESH = fileURLToPath(new URL("../../../examples/local.yaml", import.meta.url));

/** The present messaging attributes of the conventions, and those kept only for old readers. */
const KNOWN = new Set(Object.values(semconv).map(String));
const DEPRECATED = new Set<string>([semconv.ATTR_MESSAGING_SYSTEM, semconv.ATTR_MESSAGING_OPERATION]);
/** The kind of a span follows from its operation. */
const KINDS: Readonly<Record<string, string>> = {
  [semconv.MESSAGING_OPERATION_TYPE_VALUE_SEND]: "PRODUCER",
  [semconv.MESSAGING_OPERATION_TYPE_VALUE_PROCESS]: "CONSUMER",
  [semconv.MESSAGING_OPERATION_TYPE_VALUE_SETTLE]: "CLIENT",
};

describe("spans, as they are exported by OTLP", () => {
  let collector: OtlpCollector;
  let spans: readonly CollectedSpan[];
  let eventId: string;

  beforeAll(async () => {
    collector = await OtlpCollector.start();
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint);
    vi.stubEnv("OTEL_SERVICE_NAME", undefined);
    const log = new RecordingLog();
    const [kitchen, speaker] = await Promise.all(
      ["alpha/kitchen", "alpha/speaker"].map((as) => connect({ as, mesh: MESH, component: "agent", log })),
    );
    if (kitchen === undefined || speaker === undefined) throw new Error("unreachable");
    const handled = new Promise<void>((resolve) => {
      void speaker.subscribe("ui.notify", { durable: "voice" }, () => {
        setTimeout(resolve);
        throw new NonRetryableError("no such voice");
      });
    });
    const { value } = await kitchen.run("greet", () => kitchen.publish("ui.notify", { text: "x" }));
    eventId = value.eventId;
    await handled;
    const envelope = envelopeOf();
    for (const direction of ["up", "down"] as const)
      linkSpan({ envelope, message: messageOfEnvelope(envelope) }, direction, "alpha").end();
    await Promise.all([speaker.close(), kitchen.close()]);
    spans = collector.spans;
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await collector.stop();
  });

  const ofMessages = (): CollectedSpan[] => spans.filter(({ kind }) => kind !== "INTERNAL");

  test("are of each thing that happens to an event", () => {
    expect(spans.map(({ name }) => name).sort()).toEqual([
      "dead letter ui.notify",
      "link down ui.notify",
      "link up ui.notify",
      "process ui.notify",
      "publish ui.notify",
      "run greet",
    ]);
  });

  test("have what the semantic conventions for messaging ask for, and nothing that they have given up", () => {
    for (const { name, kind, attributes } of ofMessages()) {
      const own = Object.keys(attributes).filter((key) => key.startsWith("messaging."));
      expect(own.filter((key) => !KNOWN.has(key) || DEPRECATED.has(key))).toEqual([]);
      expect(attributes).toMatchObject({
        [semconv.ATTR_MESSAGING_SYSTEM_NAME]: "nats",
        [semconv.ATTR_MESSAGING_DESTINATION_NAME]: "evt.alpha.kitchen.ui.notify.v1",
        [semconv.ATTR_MESSAGING_MESSAGE_ID]: expect.stringMatching(/^EVT-/),
        [semconv.ATTR_MESSAGING_MESSAGE_BODY_SIZE]: expect.any(Number),
      });
      const operation = attributes[semconv.ATTR_MESSAGING_OPERATION_NAME];
      expect(name).toBe(`${operation} ${attributes[semconv.ATTR_MESSAGING_DESTINATION_TEMPLATE]}`);
      expect(kind).toBe(KINDS[String(attributes[semconv.ATTR_MESSAGING_OPERATION_TYPE])]);
    }
  });

  test("tell the class of an error where there was one", () => {
    const failed = spans.filter(({ attributes }) => attributes[semconv.ATTR_ERROR_TYPE] !== undefined);
    expect(failed.map(({ name, attributes }) => [name, attributes[semconv.ATTR_ERROR_TYPE]]).sort()).toEqual([
      ["dead letter ui.notify", "NonRetryableError"],
      ["process ui.notify", "NonRetryableError"],
    ]);
  });

  test("are one trace, from the run that publishes to the dead letter", () => {
    const [run, publish, process, letter] = ["run greet", "publish", "process", "dead letter"].map((begin) =>
      spans.find(({ name }) => name.startsWith(begin)),
    );
    const traces = [run, publish, process, letter].map((span) => span?.traceId);
    expect(new Set(traces)).toEqual(new Set([run?.traceId]));
    expect([publish, process, letter].map((span) => span?.attributes["messaging.message.id"])).toEqual(
      Array(3).fill(eventId),
    );
    expect(publish?.parentSpanId).toBe(run?.spanId);
    expect([process?.parentSpanId, letter?.parentSpanId]).toEqual(Array(2).fill(publish?.spanId));
  });
});
