import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { provenRegistryFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { provenBundle, readProof } from "@adaos/registry";
import type { FolderJudgement, FolderReading } from "@adaos/registry-tools";

/** Judges as `judgeFolder()` of the registry does. Rejects when it fails, or when the signal aborts it. */
export type JudgeFolder = (
  dir: string,
  inForce: Uint8Array | undefined,
  onRead: (reading: FolderReading) => void,
  signal: AbortSignal,
) => Promise<FolderJudgement>;

/** The order to the thread. */
export interface JudgeOrder {
  readonly dir: string;
  readonly inForce: Uint8Array | undefined;
}

/** The thread's answers: first the reading, then the judgement. */
export type JudgeAnswer = { readonly read: FolderReading } | { readonly judged: FolderJudgement };

/**
 * Judges a folder that equals both the registry in force and the registry of the mesh's start: it has no fault. For any
 * other folder the result is undefined. This takes a few milliseconds; a thread takes two hundred.
 */
export async function judgeProven(
  dir: string,
  inForce: Uint8Array | undefined,
  stateDir: string | undefined,
): Promise<FolderJudgement | undefined> {
  const proof = stateDir === undefined ? undefined : readProof(provenRegistryFile(stateDir));
  if (proof === undefined || inForce === undefined) return undefined;
  // The judge reports a folder that cannot be read.
  const bundle = await provenBundle(dir, proof).catch(() => undefined);
  if (bundle === undefined || Buffer.compare(bundle.bytes, inForce) !== 0) return undefined;
  const { registry, bytes, digest } = bundle;
  const served = { registry: { hash: registry.hash, events: registry.events }, bytes, digest };
  return { inForce: served, found: { kind: "read", candidate: served, changes: [], faults: [] } };
}

const WORKER = fileURLToPath(new URL("./registry-judge-worker.js", import.meta.url));

/**
 * Judges a registry folder in a separate thread, which ends afterwards: reading and linting a thousand events takes
 * seconds, and the links must not stop meanwhile.
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
      // No effect after an answer.
      reject(new MeshError("unavailable", `the thread that judges ${dir} ended with ${code}`));
    });
  });
