import type { ChildProcess } from "node:child_process";
import { delay, messageOf } from "@adaos/core/wire";
import { askToEnd, type ChildRecord, isRunning, recordOf, signalProcess } from "./process-table.ts";
import { type Ending, isForgiven, nextRestart } from "./restart-plan.ts";
import { isTaken } from "./taken-port.ts";
import { startWaiting, type WaitingChild } from "./waiting-child.ts";

/** A process to keep running. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** File for the process's own output; its log is another file. */
  readonly outputFile: string;
  /** Processes stop tier by tier, from the highest: the viewer, members, hubs, root, servers. */
  readonly tier: number;
  /** Its address, if a program on that port may keep it from starting: `nats://127.0.0.1:4222`. */
  readonly url?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called before each start. An error that it throws is why the process cannot be started. */
  readonly beforeStart?: () => void;
}

/** How a process ended, and what the supervisor does about it. */
export interface Restart extends Ending {
  readonly name: string;
  readonly pauseMs: number;
  /** Short runs in a row, this one included. */
  readonly failures: number;
}

export interface KeptProcessEvents {
  /** Called when the process id changes, or is gone. */
  onRecord(): void;
  onRestart(restart: Restart): void;
}

const STOP_LIMIT_MS = 18_000;
/** For a process that did not answer: most often it cannot stop by itself either. */
const ORDERED_STOP_LIMIT_MS = 2000;
/** An adopted process is not our child, so its end is found by polling. */
const LOOK_MS = 500;

/** One process, restarted whenever it ends unasked. There are never two of it. */
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

  /** Milliseconds since this run began; undefined while it does not run. */
  get runsForMs(): number | undefined {
    return this.record === undefined ? undefined : performance.now() - this.#startedMs;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Call it when the process was found well. */
  noteWell(): void {
    this.#wasWell = true;
    const { record } = this;
    if (record !== undefined && record.hasAnswered !== true) {
      this.record = { ...record, hasAnswered: true };
      try {
        this.#events.onRecord();
      } catch {
        // The disk may be full: a later look writes it down when there is room.
        this.record = record;
      }
    }
    if (isForgiven(this.runsForMs ?? 0)) this.#failures = 0;
  }

  /** Creates a process that has an id and waits for {@link go}. */
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

  /** Lets the process run, now that its id is recorded. */
  go(): void {
    this.#waiting?.go();
    this.#waiting = undefined;
  }

  /** Ends the waiting process, because a process that cannot be recorded must not run. It is tried again. */
  abandon(thrown: unknown): void {
    if (this.#waiting === undefined) return;
    this.#ordered = `its process cannot be recorded: ${messageOf(thrown)}`;
    this.#waiting.abandon();
    this.#waiting = undefined;
  }

  /** Takes over a process that an earlier supervisor has started. */
  adopt(record: ChildRecord): void {
    this.#startedMs = performance.now();
    this.record = record;
    this.#looking = setInterval(() => {
      if (!isRunning(record)) this.#ended("unknown: nobody was there when it did");
    }, LOOK_MS);
  }

  /** Ends the process, politely first; it is restarted as after any end. Resolves when it has ended. */
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

  /** When another program has its port, the pause ends as soon as that program has left it. */
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
