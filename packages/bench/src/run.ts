import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import type { Told, Work } from "./worker.ts";

const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));
const LIMIT_MS = 120_000;

/** What one run gave: how long the sends took, how long all, and how late each was handled. */
export interface RunResult {
  readonly sendMs: number;
  readonly allMs: number;
  readonly latenciesMs: readonly number[];
}

/** Sends `count` texts from one process to another and waits until the last is handled. Rejects with `timeout`. */
export async function run(work: Omit<Work, "role">): Promise<RunResult> {
  const receiver = new Worker({ ...work, role: "receive" });
  const sender = new Worker({ ...work, role: "send" });
  try {
    await receiver.next("ready");
    await sender.next("ready");
    sender.go();
    const [{ startedMs, sentMs }, { lastMs, latenciesMs }] = await Promise.all([
      sender.next("startedMs"),
      receiver.next("lastMs"),
    ]);
    return { sendMs: sentMs - startedMs, allMs: lastMs - startedMs, latenciesMs };
  } finally {
    sender.end();
    receiver.end();
  }
}

type Of<K extends string> = Extract<Told, Record<K, unknown>>;

class Worker {
  readonly #child: ChildProcess;
  readonly #told: Told[] = [];
  #wake: () => void = () => undefined;

  constructor(work: Work) {
    this.#child = fork(WORKER, [JSON.stringify(work)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (told: Told) => {
      this.#told.push(told);
      this.#wake();
    });
    this.#child.once("exit", () => this.#wake());
  }

  go(): void {
    this.#child.send("go");
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  /** The first message that has this key. */
  async next<K extends string>(key: K): Promise<Of<K>> {
    const deadlineMs = Date.now() + LIMIT_MS;
    for (;;) {
      const found = this.#told.find((told): told is Of<K> => key in told);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new MeshError("internal", "a process of the benchmark has ended early");
      }
      if (Date.now() >= deadlineMs) throw new MeshError("timeout", `no end of a run in ${LIMIT_MS} ms`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 1000).unref();
      });
    }
  }
}
