import type { Logger } from "@adaos/core";
import { within } from "@adaos/core/wire";
import { type ProxyTracerProvider, type TracerProvider, trace } from "@opentelemetry/api";

/** Sends the spans that wait to be exported. */
export type FlushTelemetry = () => Promise<void>;

/** Longest wait for spans to be sent at a stop. */
const FLUSH_MS = 3000;

/** One SDK for the life of the process: tracers remember the SDK they were first used with. */
let started: Promise<FlushTelemetry> | undefined;

/**
 * Exports spans by OTLP over HTTP when `OTEL_EXPORTER_OTLP_ENDPOINT` (or its `_TRACES_` form) is set, by the SDK's own
 * environment variables. Otherwise it loads nothing and costs nothing. A program that has set up an SDK of its own
 * keeps it.
 */
export function startTelemetry(serviceName: string, log: Logger): Promise<FlushTelemetry> {
  const endpoint =
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] || process.env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  // Set to nothing is not set, as the specification of these variables has it.
  const wanted = endpoint !== undefined && endpoint !== "" && process.env["OTEL_SDK_DISABLED"] !== "true";
  if (started === undefined && wanted && !hasOwnSdk()) started = startSdk(serviceName, log);
  return started ?? Promise.resolve(async () => undefined);
}

/** Known by what it can do: the SDK may bring a copy of the API of its own. */
type AnyProvider = TracerProvider & Partial<Pick<ProxyTracerProvider, "getDelegate" | "getDelegateTracer">>;

function hasOwnSdk(): boolean {
  const provider: AnyProvider = trace.getTracerProvider();
  return provider.getDelegateTracer === undefined || provider.getDelegateTracer("adaos-mesh") !== undefined;
}

async function startSdk(serviceName: string, log: Logger): Promise<FlushTelemetry> {
  // The SDK reads these; what the user has set wins.
  process.env["OTEL_SERVICE_NAME"] ??= serviceName;
  process.env["OTEL_METRICS_EXPORTER"] ??= "none";
  process.env["OTEL_LOGS_EXPORTER"] ??= "none";
  const { NodeSDK, resources } = await import("@opentelemetry/sdk-node");
  // The environment names the service; what else the SDK would find out (command line, user, host) stays here.
  const sdk = new NodeSDK({ instrumentations: [], resourceDetectors: [resources.envDetector] });
  sdk.start();
  log.info({}, "telemetry started");
  return async () => {
    const provider: AnyProvider = trace.getTracerProvider();
    const exporting = provider.getDelegate?.() ?? provider;
    if (!canFlush(exporting)) return;
    const flushed = exporting
      .forceFlush()
      .catch((err: unknown) => log.warn({ err }, "telemetry not flushed"));
    await within(flushed, FLUSH_MS);
  };
}

/** By what it can do: the provider that the SDK sets up is of no class that the SDK lets others see. */
function canFlush(provider: object): provider is { forceFlush(): Promise<void> } {
  return "forceFlush" in provider && typeof provider.forceFlush === "function";
}
