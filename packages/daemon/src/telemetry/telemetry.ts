import type { Tracing } from "@adaos/config";
import type { Logger } from "@adaos/core";
import { messageOf, within } from "@adaos/core/wire";
import { type ProxyTracerProvider, type TracerProvider, trace } from "@opentelemetry/api";
import { langfuseTarget, otlpTarget, spanProcessors, type TracedProcess } from "./span-processors.ts";

/** Sends the spans that wait to be exported. */
export type FlushTelemetry = () => Promise<void>;

/** Longest wait for spans to be sent at a stop. */
const FLUSH_MS = 3000;
const MINUTE_MS = 60_000;

/** One SDK for the life of the process: tracers remember the SDK they were first used with. */
let started: Promise<FlushTelemetry> | undefined;

/**
 * Exports spans by OTLP over HTTP: to where `OTEL_EXPORTER_OTLP_ENDPOINT` (or its `_TRACES_` form) says, by the SDK's
 * own environment variables, or else the mesh file; and to LangFuse, where that is to have those of this process.
 * Otherwise it loads nothing and costs nothing. A program that has set up an SDK of its own keeps it.
 */
export function startTelemetry(
  traced: TracedProcess,
  log: Logger,
  tracing: Tracing = {},
): Promise<FlushTelemetry> {
  if (started === undefined && variable("OTEL_SDK_DISABLED") !== "true" && !hasOwnSdk()) {
    const targets = targetsOf(traced, tracing, log);
    if (targets !== undefined) started = startSdk(traced, targets, tracing.sample, log);
  }
  return started ?? Promise.resolve(async () => undefined);
}

/** Set to nothing is not set, as the specification of these variables has it. */
function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}

interface Targets {
  /** What the environment says is a target. */
  readonly environment: boolean;
  readonly others: readonly ReturnType<typeof otlpTarget>[];
}

function targetsOf(traced: TracedProcess, tracing: Tracing, log: Logger): Targets | undefined {
  const environment =
    variable("OTEL_EXPORTER_OTLP_ENDPOINT") !== undefined ||
    variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") !== undefined;
  const otlp = environment || tracing.otlp === undefined ? undefined : otlpTarget(tracing.otlp);
  const others = [otlp, langfuseTarget(traced, tracing.langfuse, log)].filter((one) => one !== undefined);
  return environment || others.length > 0 ? { environment, others } : undefined;
}

/** Known by what it can do: the SDK may bring a copy of the API of its own. */
type AnyProvider = TracerProvider & Partial<Pick<ProxyTracerProvider, "getDelegate" | "getDelegateTracer">>;

function hasOwnSdk(): boolean {
  const provider: AnyProvider = trace.getTracerProvider();
  return provider.getDelegateTracer === undefined || provider.getDelegateTracer("adaos-mesh") !== undefined;
}

async function startSdk(
  { component, node }: TracedProcess,
  { environment, others }: Targets,
  sample: number | undefined,
  log: Logger,
): Promise<FlushTelemetry> {
  // The SDK reads these; what the user has set wins.
  process.env["OTEL_SERVICE_NAME"] ??= `adaos-${component}`;
  process.env["OTEL_METRICS_EXPORTER"] ??= "none";
  process.env["OTEL_LOGS_EXPORTER"] ??= "none";
  const { core, NodeSDK, resources, tracing } = await import("@opentelemetry/sdk-node");
  const { ParentBasedSampler, TraceIdRatioBasedSampler } = tracing;
  const samples = sample !== undefined && variable("OTEL_TRACES_SAMPLER") === undefined;
  const sdk = new NodeSDK({
    instrumentations: [],
    resource: resources.defaultResource().merge(resources.resourceFromAttributes({ "adaos.node": node })),
    // The environment names the service; what else the SDK would find out (command line, user, host) stays here.
    resourceDetectors: [resources.envDetector],
    // The SDK alone knows every exporter that the environment may name.
    ...(others.length === 0 ? {} : { spanProcessors: await spanProcessors(others, environment) }),
    ...(samples ? { sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sample) }) } : {}),
  });
  // Else what could not be exported is told to nobody; a backend that is away is told of once a minute.
  core.setGlobalErrorHandler(
    onceAMinute((err) => log.warn({ reason: messageOf(err) }, "spans not exported")),
  );
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

function onceAMinute(tell: (err: unknown) => void): (err: unknown) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return (err) => {
    if (performance.now() - toldMs < MINUTE_MS) return;
    toldMs = performance.now();
    tell(err);
  };
}

/** By what it can do: the provider that the SDK sets up is of no class that the SDK lets others see. */
function canFlush(provider: object): provider is { forceFlush(): Promise<void> } {
  return "forceFlush" in provider && typeof provider.forceFlush === "function";
}
