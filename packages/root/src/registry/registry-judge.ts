import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { provenRegistryFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { provenBundle, readProof } from "@adaos/registry";
import type { FolderJudgement, FolderReading } from "@adaos/registry-tools";

/** As `judgeFolder()` of the registry does. Rejects when it cannot be done, or the signal aborts it. */
export type JudgeFolder = (
  dir: string,
  inForce: Uint8Array | undefined,
  onRead: (reading: FolderReading) => void,
  signal: AbortSignal,
) => Promise<FolderJudgement>;

/** What the thread is given. */
export interface JudgeOrder {
  readonly dir: string;
  readonly inForce: Uint8Array | undefined;
}

/** What it answers: first what it has read, then what is to be said of it. */
export type JudgeAnswer = { readonly read: FolderReading } | { readonly judged: FolderJudgement };

/**
 * What there is to say of a folder that holds what is in force, where both are what the mesh was started with: nothing.
 * Of any other folder it does not know. It takes a few milliseconds, a thread takes two hundred.
 */
export async function judgeProven(
  dir: string,
  inForce: Uint8Array | undefined,
  stateDir: string | undefined,
): Promise<FolderJudgement | undefined> {
  const proof = stateDir === undefined ? undefined : readProof(provenRegistryFile(stateDir));
  if (proof === undefined || inForce === undefined) return undefined;
  // A folder that cannot be read is for the judge to tell of.
  const bundle = await provenBundle(dir, proof).catch(() => undefined);
  if (bundle === undefined || Buffer.compare(bundle.bytes, inForce) !== 0) return undefined;
  const { registry, bytes, digest } = bundle;
  const served = { registry: { hash: registry.hash, events: registry.events }, bytes, digest };
  return { inForce: served, found: { kind: "read", candidate: served, changes: [], faults: [] } };
}

const WORKER = fileURLToPath(new URL("./registry-judge-worker.js", import.meta.url));

/**
 * Judges a registry folder in a thread of its own, which ends with it: to read and lint a thousand events takes
 * seconds, and the links must not stand still meanwhile.
 */
export const judgeApart: JudgeFolder = (dir, inForce, onRead, signal) =>
  new Promise((resolve, reject) => {
    const order: JudgeOrder = { dir, inForce };
    const worker = new Worker(WORKER, { workerData: order });
    const stop = (): void => void worker.terminate();
    signal.addEventListener("abort", stop, { once: true });
    worker.on("message", (answer: JudgeAnswer) => {
      if ("read" in answer) onRead(answer.read);
      else resolve(answer.judged);
    });
    worker.once("error", reject);
    worker.once("exit", (code) => {
      signal.removeEventListener("abort", stop);
      // After an answer this changes nothing.
      reject(new MeshError("unavailable", `the thread that judges ${dir} ended with ${code}`));
    });
  });
