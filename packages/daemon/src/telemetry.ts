import type { Logger } from "@adaos/core";

/** Stops telemetry after sending what is left. */
export type StopTelemetry = () => Promise<void>;

/** Longest wait for the last spans at a stop. */
const FLUSH_MS = 3000;

/**
 * Exports spans by OTLP over HTTP when `OTEL_EXPORTER_OTLP_ENDPOINT` (or its `_TRACES_` form) is set, by the SDK's own
 * environment variables. Otherwise it loads nothing and costs nothing.
 */
export async function startTelemetry(
  serviceName: string,
  log: Logger,
  env: NodeJS.ProcessEnv = process.env,
): Promise<StopTelemetry> {
  const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  if (endpoint === undefined || endpoint === "" || env["OTEL_SDK_DISABLED"] === "true")
    return async () => undefined;
  // The SDK reads these; what the user has set wins.
  env["OTEL_SERVICE_NAME"] ??= serviceName;
  env["OTEL_METRICS_EXPORTER"] ??= "none";
  env["OTEL_LOGS_EXPORTER"] ??= "none";
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({ instrumentations: [], autoDetectResources: false });
  sdk.start();
  log.info({ endpoint: withoutSecrets(endpoint) }, "telemetry started");
  return async () => {
    const stopped = sdk.shutdown().catch((err: unknown) => log.warn({ err }, "telemetry not flushed"));
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, FLUSH_MS).unref())]);
  };
}

function withoutSecrets(endpoint: string): string {
  try {
    const url = new URL(endpoint);
    return `${url.protocol}//${url.host}${url.pathname}`;
  } catch {
    return "(not a URL)";
  }
}
