import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { MeshError } from "@adaos/core";
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
