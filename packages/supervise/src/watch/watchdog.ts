import type { ConfigError } from "@adaos/config";
import { delay } from "@adaos/core/wire";
import { type Progress, Rounds } from "@adaos/daemon";
import { type Layout, serverProcesses } from "@adaos/provision";
import type { KeptProcess } from "../processes/kept-process.ts";
import { ANSWER_MS, type Answer, reasonToEnd } from "./answer.ts";
import { DaemonAsker } from "./ask-daemon.ts";
import { ServerAsker } from "./ask-server.ts";

/** R98. */
const LOOK_MS = 5000;
/** The watchdog ends no other process before the last one is well again, or has had this long. */
const RECOVERY_MS = 15_000;
const POLL_MS = 250;
/** A look that comes this late shows that the machine stood still, and nothing about the processes. */
const OWN_DELAY_MS = 2000;

export interface WatchdogOptions {
  readonly stateDir: string;
  readonly layout: () => Layout;
  readonly kept: () => readonly KeptProcess[];
  /** Called at each look, for other checks. */
  readonly onLook: () => void;
  /** Called for each process that is well, with the broken files that it reports. */
  readonly onWell: (name: string, errors: readonly ConfigError[]) => void;
  /** @default 5000 */
  readonly lookMs?: number;
}

/**
 * Asks every server and daemon how it is, and ends a process that does not answer or reports that it is stuck. The
 * supervisor then restarts it. Ends one at a time: a fault that all of them have is the machine's.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #daemons: DaemonAsker;
  readonly #servers = new Map<string, ServerAsker>();
  readonly #stopped = new AbortController();
  readonly #rounds = new Rounds();
  #watching: Promise<void> | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#daemons = new DaemonAsker(options.stateDir);
  }

  start(): void {
    this.#rounds.done();
    this.#watching = this.#watch();
  }

  /** A round that ends a process waits until that one is well again. */
  get progress(): Progress {
    return this.#rounds.progress;
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
      this.#rounds.done();
    }
  }

  async #look(): Promise<void> {
    const { layout, kept } = this.#options;
    const servers = serverProcesses(layout());
    this.#forgetServers(servers.map(({ name }) => name));
    const asked = await Promise.all(
      kept().map(async (process) => ({ process, reason: await this.#judge(process) })),
    );
    // Servers come first in the list: daemons beside a server that hangs recover with it.
    let isFirst = true;
    for (const { process, reason } of asked) {
      if (reason === undefined) continue;
      // The fault may have passed since another process was ended.
      const now = isFirst ? reason : await this.#judge(process);
      if (now !== undefined) await this.#end(process, now);
      this.#rounds.done();
      isFirst = false;
    }
  }

  /** Why it has to be ended; undefined when it does not. */
  async #judge(process: KeptProcess): Promise<string | undefined> {
    const { record, runsForMs } = process;
    // The process has died and waits for its restart.
    if (record === undefined || runsForMs === undefined) return undefined;
    const askedMs = performance.now();
    let answer = await this.#ask(process);
    // One answer may be lost; the second question is asked at once.
    if (answer.kind === "silent") answer = await this.#ask(process);
    // The answer may have come long ago: this process had no time to read it.
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
    const server = serverProcesses(this.#options.layout()).find(({ name }) => name === spec.name);
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
