import { readLangfuseKeys, type Tracing } from "@adaos/config";
import type { Logger } from "@adaos/core";

/** Where spans are sent beside what the SDK's environment variables say, and with which headers. */
interface SpanTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A process that may be traced. */
export interface TracedProcess {
  /** What a program called itself when it connected; the role of a daemon. */
  readonly component: string;
  /** `alpha/kitchen` */
  readonly node: string;
}

type SpanProcessors = ConstructorParameters<typeof import("@opentelemetry/sdk-node").NodeSDK>[0];
type SpanProcessor = NonNullable<NonNullable<SpanProcessors>["spanProcessors"]>[number];

/** LangFuse takes spans as they come with this one; without it they may be seen ten minutes later. */
const LANGFUSE_VERSION = { "x-langfuse-ingestion-version": "4" } as const;

/**
 * LangFuse, where it is to have the spans of this process. A key that cannot be read stops nothing: it is told in the
 * log, and no span is sent there.
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
 * A processor for each target. Each has a queue of its own and drops what is too much for it: a target that is slow or
 * away holds up nobody. Who has one target cannot be sent the headers of another, as `OTEL_EXPORTER_OTLP_HEADERS` are.
 * @param withEnvironment Whether what the environment says is a target too.
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
