import { ProxyTracerProvider, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { startTelemetry } from "./telemetry.ts";

const PROCESS = { component: "agent", node: "alpha/kitchen" };

afterEach(() => {
  vi.unstubAllEnvs();
});

function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer("x") !== undefined;
}

describe("startTelemetry()", () => {
  test.each<[what: string, env: Record<string, string | undefined>]>([
    ["no endpoint is set", {}],
    ["the endpoint is empty", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }],
    ["it is switched off", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_SDK_DISABLED: "true" }],
  ])("does nothing when %s", async (_, env) => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", undefined);
    vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", undefined);
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const log = new RecordingLog();
    const flush = await startTelemetry(PROCESS, log);
    await flush();
    expect(isTracing()).toBe(false);
    expect(log.lines).toEqual([]);
  });

  test("does nothing when LangFuse is to have other components' spans alone", async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", undefined);
    const langfuse = { host: "http://127.0.0.1:9", keyFile: "none", components: ["other", "beta/desk"] };
    const log = new RecordingLog();
    await (await startTelemetry(PROCESS, log, { langfuse }))();
    expect(isTracing()).toBe(false);
    expect(log.lines).toEqual([]);
  });

  test("tells of LangFuse keys that cannot be read, and goes on without", async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", undefined);
    const langfuse = { host: "http://127.0.0.1:9", keyFile: "/nowhere/langfuse.key", components: ["agent"] };
    const log = new RecordingLog();
    await (await startTelemetry(PROCESS, log, { langfuse }))();
    expect(isTracing()).toBe(false);
    expect(log.lines.map(({ event }) => event)).toEqual(["no spans are sent to LangFuse"]);
  });

  test("leaves a program the SDK that it has set up itself", async () => {
    const tracer = trace.getTracer("own");
    const own = { getTracer: () => tracer };
    trace.setGlobalTracerProvider(own);
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    const log = new RecordingLog();
    await (await startTelemetry(PROCESS, log))();
    expect((trace.getTracerProvider() as ProxyTracerProvider).getDelegate()).toBe(own);
    expect(log.lines).toEqual([]);
    trace.disable();
  });
});
