import { readLangfuseKeys, type Tracing } from "@adaos/config";
import type { Logger } from "@adaos/core";

/** A target for spans in addition to the SDK's environment variables, with its headers. */
interface SpanTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A process that may be traced. */
export interface TracedProcess {
  /** The name that a program gave when it connected; the role of a daemon. */
  readonly component: string;
  /** `alpha/kitchen` */
  readonly node: string;
}

type SpanProcessors = ConstructorParameters<typeof import("@opentelemetry/sdk-node").NodeSDK>[0];
type SpanProcessor = NonNullable<NonNullable<SpanProcessors>["spanProcessors"]>[number];

/** With this header LangFuse shows spans at once; without it they may appear ten minutes later. */
const LANGFUSE_VERSION = { "x-langfuse-ingestion-version": "4" } as const;

/**
 * The LangFuse target, if it is to get the spans of this process. A key that cannot be read stops nothing: the log says
 * so, and no span is sent there.
 */
export function langfuseTarget(
  { component, node }: TracedProcess,
  langfuse: Tracing["langfuse"],
  log: Logger,
): SpanTarget | undefined {
  if (langfuse === undefined) return undefined;
  if (![component, node].some((name) => langfuse.components.includes(name))) return undefined;
  try {
    const keys = Buffer.from(readLangfuseKeys(langfuse.keyFile)).toString("base64");
    const url = `${langfuse.host.replace(/\/+$/, "")}/api/public/otel/v1/traces`;
    return { url, headers: { ...LANGFUSE_VERSION, authorization: `Basic ${keys}` } };
  } catch (err) {
    log.error({ err }, "no spans are sent to LangFuse");
    return undefined;
  }
}

/** The target of `tracing.otlp`. */
export function otlpTarget(endpoint: string): SpanTarget {
  return { url: `${endpoint.replace(/\/+$/, "")}/v1/traces`, headers: {} };
}

/**
 * A processor for each target. Each has its own queue and drops spans beyond it, so that a slow or absent target delays
 * no other. The headers of one target, such as `OTEL_EXPORTER_OTLP_HEADERS`, are never sent to another.
 * @param withEnvironment Whether the environment variables define a target too.
 */
export async function spanProcessors(
  targets: readonly SpanTarget[],
  withEnvironment: boolean,
): Promise<SpanProcessor[]> {
  const [{ tracing }, base, http, transformer] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/otlp-exporter-base"),
    import("@opentelemetry/otlp-exporter-base/node-http"),
    import("@opentelemetry/otlp-transformer"),
  ]);
  const protobuf = { "Content-Type": "application/x-protobuf" };
  const options = targets.map(({ url, headers }) => ({
    ...base.getSharedConfigurationDefaults(),
    url,
    headers: async () => ({ ...headers, ...protobuf }),
    agentFactory: http.httpAgentFactoryFromOptions({ keepAlive: true }),
  }));
  const all = withEnvironment
    ? [http.convertLegacyHttpOptions({}, "TRACES", "v1/traces", protobuf), ...options]
    : options;
  return all.map((one) => {
    const delegate = http.createOtlpHttpExportDelegate(
      one,
      transformer.ProtobufTraceSerializer,
      "otlp_http_span_exporter",
      transformer.TraceExporterMetricsHelper,
      undefined,
    );
    return new tracing.BatchSpanProcessor(new base.OTLPExporterBase(delegate));
  });
}
