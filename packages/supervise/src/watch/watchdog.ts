import type { ConfigError } from "@adaos/config";
import { delay } from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";
import type { KeptProcess } from "../processes/kept-process.ts";
import { ANSWER_MS, type Answer, reasonToEnd } from "./answer.ts";
import { DaemonAsker } from "./ask-daemon.ts";
import { ServerAsker } from "./ask-server.ts";

/** R98. */
const LOOK_MS = 5000;
/** Nobody else is ended before one that was is well again, or has had this long. */
const RECOVERY_MS = 15_000;
const POLL_MS = 250;
/** A look that comes this late says that the machine stood still, and nothing of the processes. */
const OWN_DELAY_MS = 2000;

export interface WatchdogOptions {
  readonly stateDir: string;
  readonly layout: () => Layout;
  readonly kept: () => readonly KeptProcess[];
  /** Called at each look, for what else is looked at. */
  readonly onLook: () => void;
  /** Called for each process that is well, with what it says of files that are broken. */
  readonly onWell: (name: string, errors: readonly ConfigError[]) => void;
  /** @default 5000 */
  readonly lookMs?: number;
}

/**
 * Asks every server and daemon how it is, and ends what does not answer or says that it is stuck; the supervisor then
 * starts it again. One at a time: what all of them have is the machine's trouble.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #daemons: DaemonAsker;
  readonly #servers = new Map<string, ServerAsker>();
  readonly #stopped = new AbortController();
  #watching: Promise<void> | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#daemons = new DaemonAsker(options.stateDir);
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
    this.#daemons.close();
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  async #watch(): Promise<void> {
    const lookMs = this.#options.lookMs ?? LOOK_MS;
    while (!this.#stopped.signal.aborted) {
      const dueMs = performance.now() + lookMs;
      await delay(lookMs, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      const wasLate = performance.now() - dueMs > OWN_DELAY_MS;
      this.#options.onLook();
      if (!wasLate) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { layout, kept } = this.#options;
    const { servers } = layout();
    this.#forgetServers(servers.map(({ name }) => name));
    const asked = await Promise.all(
      kept().map(async (process) => ({ process, reason: await this.#judge(process) })),
    );
    // Servers come first among what is kept: daemons beside a server that hangs are well when it is.
    let isFirst = true;
    for (const { process, reason } of asked) {
      if (reason === undefined) continue;
      // What was so before another one was ended may be over.
      const now = isFirst ? reason : await this.#judge(process);
      if (now !== undefined) await this.#end(process, now);
      isFirst = false;
    }
  }

  /** Why it has to be ended, or nothing. */
  async #judge(process: KeptProcess): Promise<string | undefined> {
    const { record, runsForMs } = process;
    // It has died and is about to be started again.
    if (record === undefined || runsForMs === undefined) return undefined;
    const askedMs = performance.now();
    let answer = await this.#ask(process);
    // One answer may be lost; the second question is asked at once.
    if (answer.kind === "silent") answer = await this.#ask(process);
    // Its answer may have come long ago: it is this process that had no time to take it.
    if (performance.now() - askedMs > 2 * ANSWER_MS + OWN_DELAY_MS) return undefined;
    if (process.record !== record) return undefined;
    if (answer.kind === "well") {
      process.noteWell();
      this.#options.onWell(record.name, answer.configErrors ?? []);
    }
    const hasAnswered = record.hasAnswered === true;
    return reasonToEnd({ answer, runsForMs, hasAnswered, failures: process.failures });
  }

  async #ask({ record, spec }: KeptProcess): Promise<Answer> {
    if (record === undefined) return { kind: "starting" };
    const server = this.#options.layout().servers.find(({ name }) => name === spec.name);
    if (server === undefined) return this.#daemons.ask(record);
    const asker = this.#servers.get(server.name) ?? new ServerAsker(server, this.#options.stateDir);
    this.#servers.set(server.name, asker);
    return asker.ask();
  }

  async #end(process: KeptProcess, reason: string): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    await process.end(reason);
    const deadlineMs = performance.now() + RECOVERY_MS;
    while (!this.#stopped.signal.aborted && performance.now() < deadlineMs) {
      await delay(POLL_MS, this.#stopped.signal);
      const { kind } = await this.#ask(process);
      if (kind === "well") return;
    }
  }

  #forgetServers(names: readonly string[]): void {
    for (const [name, asker] of this.#servers) {
      if (names.includes(name)) continue;
      this.#servers.delete(name);
      void asker.close();
    }
  }
}
