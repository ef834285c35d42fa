import { createServer, type Server } from "node:http";
import { trace } from "@opentelemetry/api";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { startTelemetry } from "./telemetry.ts";

const PROCESS = { component: "hub", node: "alpha/hub" };
const received: { path: string; body: string }[] = [];
let collector: Server;
beforeAll(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ path: request.url ?? "", body: Buffer.concat(chunks).toString("latin1") });
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const address = collector.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", "");
  vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", `http://127.0.0.1:${port}/v1/traces`);
  vi.stubEnv("OTEL_SERVICE_NAME", undefined);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
});

describe("startTelemetry(), with an endpoint", () => {
  test("sends spans there under the service's name, all of them when it is flushed, by one SDK", async () => {
    const log = new RecordingLog();
    const [flush, again] = await Promise.all([
      startTelemetry(PROCESS, log),
      startTelemetry({ component: "other", node: "alpha/hub" }, log),
    ]);
    expect(again).toBe(flush);
    expect(log.lines.map(({ event }) => event)).toEqual(["telemetry started"]);
    trace.getTracer("x").startSpan("publish ui.notify").end();
    await flush();
    expect(received.map(({ path }) => path)).toEqual(["/v1/traces"]);
    expect(received[0]?.body).toMatch(/adaos-hub[\s\S]*publish ui\.notify/);
  });
});
