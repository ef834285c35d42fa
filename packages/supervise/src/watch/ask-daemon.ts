import { Agent, get } from "node:http";
import { text } from "node:stream/consumers";
import type { ConfigError } from "@adaos/config";
import { HEALTH_PATH, type RunFile } from "@adaos/daemon";
import type { ProcessRecord } from "../processes/process-table.ts";
import { readRunFile } from "../run-file.ts";
import { ANSWER_MS, type Answer } from "./answer.ts";

/** The answer of a daemon's health address. */
interface HealthBody {
  readonly reason?: string;
  readonly config?: { readonly errors?: readonly ConfigError[] };
}

/** Asks daemons over connections that stay open between two looks. */
export class DaemonAsker {
  readonly #stateDir: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** Last known address of each daemon: a daemon that hangs cannot write a lost run file again. */
  readonly #known = new Map<string, Pick<RunFile, "pid" | "statusUrl">>();

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Never rejects. */
  async ask({ name, pid }: ProcessRecord): Promise<Answer> {
    const run = readRunFile(this.#stateDir, name);
    if (run?.pid === pid) this.#known.set(name, run);
    const known = this.#known.get(name);
    // No run file, or that of the process before: the daemon has not started far enough.
    if (known?.pid !== pid) return { kind: "starting" };
    try {
      const { code, body } = await this.#read(new URL(HEALTH_PATH, known.statusUrl));
      const { reason, config } = JSON.parse(body) as HealthBody;
      if (code === 200) return { kind: "well", configErrors: config?.errors ?? [] };
      return { kind: "stuck", reason: reason ?? `answers ${code}` };
    } catch (thrown) {
      const how = thrown instanceof Error && thrown.name === "TimeoutError" ? "" : ` (${String(thrown)})`;
      return { kind: "silent", reason: `does not answer${how}` };
    }
  }

  #read(url: URL): Promise<{ readonly code: number; readonly body: string }> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const request = get(url, { signal, agent: this.#agent }, (response) => {
        text(response).then((body) => resolve({ code: response.statusCode ?? 0, body }), reject);
      });
      request.once("error", (error) => reject(signal.aborted ? signal.reason : error));
    });
  }
}
