import { type KnownEvent, messageOf } from "@adaos/core/wire";
import { bundleFolder, parseBundle, type RegistryBundle, releasedEvents } from "@adaos/registry";
import { lintRegistry } from "../lint/lint-registry.ts";
import { decideGate, type GateVerdict } from "./decide-gate.ts";

/**
 * A registry as it is served: its document, its digest, and its classified data. Plain data, for another thread
 * too.
 */
export interface ServedRegistry {
  readonly registry: { readonly hash: string; readonly events: readonly KnownEvent[] };
  readonly bytes: Uint8Array;
  /** sha-256 in hex of `bytes`. */
  readonly digest: string;
}

/** A registry folder and the registry in force. */
export interface FolderReading {
  /** Undefined where nothing is in force yet, or where its stored document cannot be read. */
  readonly inForce: ServedRegistry | undefined;
  readonly found:
    | { readonly kind: "broken"; readonly reason: string }
    | { readonly kind: "read"; readonly candidate: ServedRegistry };
}

/** The same with the verdict. */
export interface FolderJudgement extends FolderReading {
  readonly found: Exclude<FolderReading["found"], { kind: "read" }> | JudgedFolder;
}

/** A folder that could be read, and whether it may be served. */
export type JudgedFolder = GateVerdict & { readonly kind: "read"; readonly candidate: ServedRegistry };

/**
 * Reads a registry folder and judges whether it may replace the registry in force. Never rejects.
 * @param inForceBytes The document of the registry in force.
 * @param onRead Called with the folder's registry before judging, which takes far longer.
 */
export async function judgeFolder(
  dir: string,
  inForceBytes?: Uint8Array,
  onRead: (reading: FolderReading) => void = () => undefined,
): Promise<FolderJudgement> {
  const reading = await readFolder(dir);
  const before = await readInForce(inForceBytes, reading.bundle);
  const inForce = before === undefined ? undefined : servedOf(before);
  try {
    if (reading.bundle === undefined) throw reading.thrown;
    const { bundle } = reading;
    const candidate = servedOf(bundle);
    onRead({ inForce, found: { kind: "read", candidate } });
    // The registry in force was judged when it was put in force.
    const verdict =
      bundle.digest === before?.digest ? { changes: [], faults: [] } : await judge(dir, bundle, before);
    return { inForce, found: { kind: "read", candidate, ...verdict } };
  } catch (thrown) {
    return { inForce, found: { kind: "broken", reason: messageOf(thrown) } };
  }
}

async function judge(
  dir: string,
  bundle: RegistryBundle,
  inForce: RegistryBundle | undefined,
): Promise<GateVerdict> {
  const { findings } = await lintRegistry(dir, { isForGate: true });
  const before = inForce === undefined ? [] : releasedEvents(inForce.registry);
  return decideGate(findings, before, releasedEvents(bundle.registry));
}

async function readFolder(
  dir: string,
): Promise<{ readonly bundle: RegistryBundle } | { readonly bundle?: undefined; readonly thrown: unknown }> {
  try {
    return { bundle: await bundleFolder(dir) };
  } catch (thrown) {
    return { thrown };
  }
}

async function readInForce(
  bytes: Uint8Array | undefined,
  candidate: RegistryBundle | undefined,
): Promise<RegistryBundle | undefined> {
  if (bytes === undefined) return undefined;
  // Mostly the folder equals the registry in force: it is not parsed twice.
  if (candidate !== undefined && Buffer.compare(candidate.bytes, bytes) === 0) return candidate;
  return await parseBundle(bytes, "the registry in force").catch(() => undefined);
}

function servedOf({ registry: { hash, events }, bytes, digest }: RegistryBundle): ServedRegistry {
  return { registry: { hash, events }, bytes, digest };
}
