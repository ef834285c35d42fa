import type { ChildProcess } from "node:child_process";
import { delay, messageOf } from "@adaos/core/wire";
import { askToEnd, type ChildRecord, isRunning, recordOf, signalProcess } from "./process-table.ts";
import { type Ending, isForgiven, nextRestart } from "./restart-plan.ts";
import { isTaken } from "./taken-port.ts";
import { startWaiting, type WaitingChild } from "./waiting-child.ts";

/** One process to keep running. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where what it prints itself goes; its log is a file of its own. */
  readonly outputFile: string;
  /** Processes stop tier by tier, from the highest: members, hubs, root, servers. */
  readonly tier: number;
  /** Where it listens, if that may keep it from starting: `nats://127.0.0.1:4222`. */
  readonly url?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called before each start. What it throws is why the process cannot be started. */
  readonly beforeStart?: () => void;
}

/** How a process ended, and what is done about it. */
export interface Restart extends Ending {
  readonly name: string;
  readonly pauseMs: number;
  /** Runs in a row that did not last, this one included. */
  readonly failures: number;
}

export interface KeptProcessEvents {
  /** Called when the process has another id, or none. */
  onRecord(): void;
  onRestart(restart: Restart): void;
}

const STOP_LIMIT_MS = 18_000;
/** For one that did not answer: it most often cannot stop by itself either. */
const ORDERED_STOP_LIMIT_MS = 2000;
/** An adopted process is nobody's child: that it has ended is found by looking. */
const LOOK_MS = 500;

/** One process, started again whenever it ends unasked. There are never two of it. */
export class KeptProcess {
  readonly spec: ProcessSpec;
  readonly #events: KeptProcessEvents;
  #waiting: WaitingChild | undefined;
  #onEnd: () => void = () => undefined;
  #restart: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #failures = 0;
  /** Why the watchdog ends it. */
  #ordered: string | undefined;
  #wasWell = false;
  #stopping = false;
  record: ChildRecord | undefined;

  constructor(spec: ProcessSpec, events: KeptProcessEvents) {
    this.spec = spec;
    this.#events = events;
  }

  /** Milliseconds since this run began; nothing while it does not run. */
  get runsForMs(): number | undefined {
    return this.record === undefined ? undefined : performance.now() - this.#startedMs;
  }

  get failures(): number {
    return this.#failures;
  }

  /** To be called when it was found well. */
  noteWell(): void {
    this.#wasWell = true;
    const { record } = this;
    if (record !== undefined && record.hasAnswered !== true) {
      this.record = { ...record, hasAnswered: true };
      try {
        this.#events.onRecord();
      } catch {
        // A full disk: it is written down when there is room, at a later look.
        this.record = record;
      }
    }
    if (isForgiven(this.runsForMs ?? 0)) this.#failures = 0;
  }

  /** Makes it a process that has an id and waits for {@link go}. */
  prepare(): void {
    const { command, args, outputFile, name, env, beforeStart } = this.spec;
    this.#startedMs = performance.now();
    this.#wasWell = false;
    try {
      beforeStart?.();
      this.#waiting = startWaiting(command, args, outputFile, env);
      this.#follow(this.#waiting.child, name);
    } catch (thrown) {
      this.#ended(messageOf(thrown));
    }
  }

  /** Lets it run: its id is written down. */
  go(): void {
    this.#waiting?.go();
    this.#waiting = undefined;
  }

  /** Lets it end instead: what nobody can write down does not run. It is tried again. */
  abandon(thrown: unknown): void {
    if (this.#waiting === undefined) return;
    this.#ordered = `its process cannot be recorded: ${messageOf(thrown)}`;
    this.#waiting.abandon();
    this.#waiting = undefined;
  }

  /** Takes a process over that an earlier supervisor has started. */
  adopt(record: ChildRecord): void {
    this.#startedMs = performance.now();
    this.record = record;
    this.#looking = setInterval(() => {
      if (!isRunning(record)) this.#ended("unknown: nobody was there when it did");
    }, LOOK_MS);
  }

  /** Ends it, politely first; it is started again as after any end. Resolves when it has ended. */
  async end(reason: string): Promise<void> {
    if (this.record === undefined) return;
    this.#ordered = reason;
    await this.#terminate(ORDERED_STOP_LIMIT_MS);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    await this.#terminate(STOP_LIMIT_MS);
  }

  async #terminate(limitMs: number): Promise<void> {
    const { record } = this;
    if (record === undefined) return;
    const ended = new Promise<void>((resolve) => {
      const before = this.#onEnd;
      this.#onEnd = () => {
        before();
        resolve();
      };
    });
    const limit = setTimeout(() => signalProcess(record, "SIGKILL"), limitMs);
    askToEnd(record);
    await ended;
    clearTimeout(limit);
  }

  #follow(child: ChildProcess, name: string): void {
    const { command, args } = this.spec;
    this.record =
      child.pid === undefined ? undefined : { ...recordOf(name, child.pid), command: [command, ...args] };
    let isOver = false;
    const over = (how: string): void => {
      if (!isOver) this.#ended(how);
      isOver = true;
    };
    child.once("error", (error) => over(error.message));
    child.once("exit", (code, signal) => over(signal ?? `exit code ${code}`));
  }

  #ended(how: string): void {
    clearInterval(this.#looking);
    this.#waiting = undefined;
    const ranMs = this.runsForMs ?? 0;
    this.record = undefined;
    this.#onEnd();
    this.#onEnd = () => undefined;
    const reason = this.#ordered ?? how;
    const ordered = this.#ordered !== undefined;
    this.#ordered = undefined;
    if (this.#stopping) return;
    const { failures, pauseMs } = nextRestart({ ordered, ranMs, wasWell: this.#wasWell }, this.#failures);
    this.#failures = failures;
    this.#events.onRestart({ name: this.spec.name, reason, ordered, pauseMs, failures });
    clearTimeout(this.#restart);
    const restart = setTimeout(() => this.#startAgain(), pauseMs);
    this.#restart = restart;
    void this.#startWhenLeft(restart);
  }

  /** Another program has its port: the pause ends as soon as that program has left it. */
  async #startWhenLeft(restart: NodeJS.Timeout): Promise<void> {
    const { url } = this.spec;
    if (url === undefined || !(await isTaken(url))) return;
    for (let taken = true; taken; taken = await isTaken(url)) {
      await delay(LOOK_MS);
      if (this.#restart !== restart || this.#stopping || this.record !== undefined) return;
    }
    if (this.#restart !== restart || this.#stopping || this.record !== undefined) return;
    clearTimeout(restart);
    this.#startAgain();
  }

  #startAgain(): void {
    this.prepare();
    try {
      this.#events.onRecord();
      this.go();
    } catch (thrown) {
      this.abandon(thrown);
    }
  }
}
