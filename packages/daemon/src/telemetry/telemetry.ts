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
 * Exports spans by OTLP over HTTP to the address in `OTEL_EXPORTER_OTLP_ENDPOINT` (or its `_TRACES_` form), or else in
 * the mesh file. Also exports to LangFuse, if it is to get the spans of this process. Otherwise it loads nothing and
 * costs nothing. A program that has set up its own SDK keeps it.
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

/** An empty variable counts as not set, as the specification of these variables says. */
function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}

interface Targets {
  /** The environment variables define a target. */
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

/** Recognised by its methods: the SDK may bring its own copy of the API. */
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
  // The SDK reads these; the user's settings win.
  process.env["OTEL_SERVICE_NAME"] ??= `adaos-${component}`;
  process.env["OTEL_METRICS_EXPORTER"] ??= "none";
  process.env["OTEL_LOGS_EXPORTER"] ??= "none";
  const { core, NodeSDK, resources, tracing } = await import("@opentelemetry/sdk-node");
  const { ParentBasedSampler, TraceIdRatioBasedSampler } = tracing;
  const samples = sample !== undefined && variable("OTEL_TRACES_SAMPLER") === undefined;
  const sdk = new NodeSDK({
    instrumentations: [],
    resource: resources.defaultResource().merge(resources.resourceFromAttributes({ "adaos.node": node })),
    // The environment names the service. Other data that the SDK would detect (command line, user, host) stays here.
    resourceDetectors: [resources.envDetector],
    // Only the SDK knows every exporter that the environment may name.
    ...(others.length === 0 ? {} : { spanProcessors: await spanProcessors(others, environment) }),
    ...(samples ? { sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sample) }) } : {}),
  });
  // Without this, export failures go unreported. A backend that is away is reported once a minute.
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

/** Recognised by its methods: the SDK does not export the class of its provider. */
function canFlush(provider: object): provider is { forceFlush(): Promise<void> } {
  return "forceFlush" in provider && typeof provider.forceFlush === "function";
}
