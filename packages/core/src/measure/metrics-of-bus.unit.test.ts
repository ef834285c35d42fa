import { LocalMarks } from "@adaos/transport-local";
import { expect, test, vi } from "vitest";
import { parseExposition, readValue } from "../../../../test/kit/parse-exposition.ts";
import {
  contractOf,
  envelopeOf,
  messageOfEnvelope,
  NO_DOCUMENTS,
  NO_TIMERS,
  RecordingJournal,
  RecordingLog,
  registryOf,
  TestDelivery,
} from "../../../../test/kit/stand-ins.ts";
import { Bus } from "../bus.ts";
import { parseEventPattern } from "../language/event-pattern.ts";
import { Policy } from "../policy/policy.ts";
import type { OnDelivery, Transport } from "../transport.ts";
import { Metrics, type MetricsSnapshot } from "./metrics.ts";

const address = { subnet: "alpha", node: "kitchen" };

test("an event counts as handled, unless its subscription only looks on", async () => {
  const snapshots: MetricsSnapshot[] = [];
  const store = { storeMetrics: async (one: MetricsSnapshot) => void snapshots.push(one) };
  const metrics = new Metrics("alpha/kitchen", "i", store, new RecordingLog());
  const handed: OnDelivery[] = [];
  const unused = new Error("not part of this");
  const transport: Transport = {
    capabilities: { duplicateWindowMs: 0 },
    publish: () => Promise.reject(unused),
    subscribe: async (_options, onDelivery) => {
      handed.push(onDelivery);
      return { stop: async () => undefined };
    },
    timers: NO_TIMERS,
    documents: NO_DOCUMENTS,
    handlersOf: async () => "unknown",
    awaitReply: () => Promise.reject(unused),
    ask: () => Promise.reject(unused),
    close: async () => undefined,
  };
  const bus = new Bus({
    address,
    transport,
    registry: registryOf(contractOf("ui.notify")),
    policy: new Policy([
      { id: "r", verb: "subscribe", effect: "allow", ...address, pattern: parseEventPattern("ui.notify") },
    ]),
    log: new RecordingLog(),
    journal: new RecordingJournal(),
    marks: new LocalMarks(),
    metrics,
  });
  await bus.subscribe("ui.notify", { durable: "handler" }, () => undefined);
  await bus.subscribe("ui.notify", { durable: "log", counted: false }, () => undefined);
  for (const [n, onDelivery] of handed.entries())
    onDelivery(new TestDelivery(messageOfEnvelope(envelopeOf({ data: 1 })), n + 1, 1));
  await vi.waitFor(() => expect(bus.stats.handled).toBe(2));
  const { contentType, text } = bus.metrics("application/openmetrics-text") ?? {};
  expect(contentType).toMatch(/^application\/openmetrics-text; version=1/);
  const told = parseExposition(text ?? "", "openmetrics");
  const labels = { node: "alpha/kitchen", durable: "handler", outcome: "success" };
  expect(readValue(told, "adaos_events_settled_total", labels)).toBe(1);
  await metrics.close();
  const settled = snapshots.at(-1)?.counters.filter(([metric]) => metric === "settled");
  expect(settled?.map(([, [durable], count]) => [durable, count])).toEqual([["handler", 1]]);
});
