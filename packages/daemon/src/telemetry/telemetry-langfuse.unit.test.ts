import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { OtlpCollector } from "../../../../test/kit/otlp-collector.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { startTelemetry } from "./telemetry.ts";

const AGENT = { component: "agent", node: "alpha/kitchen" };

describe("startTelemetry(), with LangFuse and a collector of the mesh file's", () => {
  const dir = mkdtempSync(join(tmpdir(), "adaos-test-langfuse-"));
  const keyFile = join(dir, "langfuse.key");
  const received: { url: string; headers: IncomingHttpHeaders; bytes: number }[] = [];
  /** A stand-in for LangFuse: it accepts OTLP below its own path, or does not answer. */
  let langfuse: Server;
  let isHanging = false;
  let collector: OtlpCollector;
  let flush: () => Promise<void>;

  beforeAll(async () => {
    for (const name of ["ENDPOINT", "TRACES_ENDPOINT"]) vi.stubEnv(`OTEL_EXPORTER_OTLP_${name}`, undefined);
    // Header of another backend: LangFuse must never see it.
    vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-other-key=secret");
    vi.stubEnv("OTEL_SERVICE_NAME", undefined);
    collector = await OtlpCollector.start();
    langfuse = createServer((request, response) => {
      let bytes = 0;
      request.on("data", (chunk: Buffer) => (bytes += chunk.length));
      request.on("end", () => {
        received.push({ url: request.url ?? "", headers: request.headers, bytes });
        if (!isHanging) response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => langfuse.listen(0, "127.0.0.1", resolve));
    writeFileSync(keyFile, "pk-lf-1:sk-lf-2\n", { mode: 0o600 });
    const host = `http://127.0.0.1:${(langfuse.address() as AddressInfo).port}/`;
    const tracing = {
      sample: 0.5,
      otlp: collector.endpoint,
      langfuse: { host, keyFile, components: ["agent"] },
    };
    flush = await startTelemetry(AGENT, new RecordingLog(), tracing);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    langfuse.closeAllConnections();
    await new Promise((resolve) => langfuse.close(resolve));
    await collector.stop();
    rmSync(dir, { recursive: true });
  });

  /** Enough roots that some are sampled and some are not. */
  const ROOTS = 200;
  function makeSpans(): void {
    for (let i = 0; i < ROOTS; i++) trace.getTracer("x").startSpan(`span ${i}`, {}, ROOT_CONTEXT).end();
  }

  test("sends the sampled share of its spans to both", async () => {
    makeSpans();
    await flush();
    expect(collector.spans.length).toBeGreaterThan(ROOTS / 4);
    expect(collector.spans.length).toBeLessThan((ROOTS * 3) / 4);
    expect(collector.spans[0]?.serviceName).toBe("adaos-agent");
    expect(received).toMatchObject([
      {
        url: "/api/public/otel/v1/traces",
        headers: {
          authorization: `Basic ${Buffer.from("pk-lf-1:sk-lf-2").toString("base64")}`,
          "x-langfuse-ingestion-version": "4",
          "content-type": "application/x-protobuf",
        },
      },
    ]);
    expect(received[0]?.bytes).toBeGreaterThan(1000);
    expect(received[0]?.headers).not.toHaveProperty("x-other-key");
  });

  test("follows a trace that began elsewhere as it was decided there", async () => {
    const before = collector.spans.length;
    for (const traceFlags of [0, 1]) {
      const parent = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags, isRemote: true };
      const within = trace.setSpanContext(ROOT_CONTEXT, parent);
      for (let i = 0; i < 20; i++) trace.getTracer("x").startSpan("child", {}, within).end();
    }
    await flush();
    expect(collector.spans.length - before).toBe(20);
  });

  test("LangFuse that does not answer holds up neither the program nor the collector", async () => {
    isHanging = true;
    const before = collector.spans.length;
    makeSpans();
    const flushing = flush();
    await vi.waitFor(() => expect(collector.spans.length).toBeGreaterThan(before), { timeout: 10_000 });
    await flushing;
  });
});
