import { messageOf } from "@adaos/core/wire";
import { run } from "../running/run.ts";
import { parseVersionOutput, whyUnsupported } from "./version.ts";

const PROBE_TIMEOUT_MS = 5_000;

/** The result of a binary's `--version`. */
export type Probe =
  | { readonly kind: "usable"; readonly version: string }
  | { readonly kind: "unusable"; readonly reason: string };

export interface ProbeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. @default 5000 */
  readonly timeoutMs?: number | undefined;
}

/** Asks a binary for its version and judges it. Rejects only with the signal's reason. */
export async function probe(path: string, options: ProbeOptions = {}): Promise<Probe> {
  let output: string;
  try {
    const timeoutMs = options.timeoutMs ?? PROBE_TIMEOUT_MS;
    output = (await run(path, ["--version"], { timeoutMs, signal: options.signal })).stdout;
  } catch (thrown) {
    options.signal?.throwIfAborted();
    return { kind: "unusable", reason: messageOf(thrown) };
  }
  const version = parseVersionOutput(output);
  if (version === undefined) return { kind: "unusable", reason: "does not answer like nats-server" };
  const reason = whyUnsupported(version);
  return reason === undefined ? { kind: "usable", version } : { kind: "unusable", reason };
}
