import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openOwnLog } from "@adaos/config";
import type { Layout } from "@adaos/provision";
import { type ProcessRecord, recordOf, removeProcessTable, writeProcessTable } from "./process-table.ts";

/** One process to keep running. */
interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where what it prints itself goes; its log is a file of its own. */
  readonly outputFile: string;
  /** Processes stop tier by tier, from the highest: members, hubs, root, servers. */
  readonly tier: number;
}

/** What the processes are started from. */
export interface Programs {
  /** The nats-server. */
  readonly natsServer: string;
  /** The file of the `adaos` program, which runs a daemon as `adaos node ROLE`. */
  readonly adaos: string;
}

/**
 * A daemon allocates little at a time: with a small young generation (MB) the default mesh holds 143 MB less, and a
 * link carries 29,000 events/s instead of 32,000 (measured with Node 20).
 */
export const NODE_FLAGS: readonly string[] = ["--max-semi-space-size=1"];

const FIRST_RESTART_MS = 200;
const MAX_RESTART_MS = 10_000;
/** A process that has run this long starts afresh with a short wait when it dies. */
const STEADY_MS = 10_000;
const STOP_LIMIT_MS = 18_000;

/** Keeps the processes of a mesh running: starts them, starts again what dies, and stops them all in order. */
export class Supervisor {
  readonly #stateDir: string;
  readonly #programs: Programs;
  readonly #say: (line: string) => void;
  #kept: readonly KeptProcess[];
  readonly #self: ProcessRecord = recordOf("supervisor", process.pid);
  #changing: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(stateDir: string, layout: Layout, programs: Programs, say: (line: string) => void) {
    this.#stateDir = stateDir;
    this.#programs = programs;
    this.#say = say;
    mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
    // A nats-server knows no modes: its stores and logs take those of this process.
    process.umask(0o077);
    this.#kept = processSpecs(stateDir, layout, programs).map((spec) => this.#keep(spec));
  }

  start(): void {
    for (const kept of this.#kept) kept.start();
    this.#record();
  }

  /** Starts what the layout has anew, and stops what it no longer has; the others are not disturbed. */
  follow(readLayout: () => Layout): Promise<void> {
    const changing = this.#changing.then(async () => {
      if (this.#isStopping) return;
      const wanted = processSpecs(this.#stateDir, readLayout(), this.#programs);
      const gone = this.#kept.filter(({ spec }) => !wanted.some(({ name }) => name === spec.name));
      const added = wanted
        .filter(({ name }) => !this.#kept.some(({ spec }) => spec.name === name))
        .map((spec) => this.#keep(spec));
      // What is new does not wait for what takes its time to stop; until that has stopped it is still kept, and stopped
      // with the rest if the whole is.
      this.#kept = [...this.#kept, ...added];
      for (const kept of added) kept.start();
      this.#record();
      await stopInOrder(gone);
      this.#kept = this.#kept.filter((kept) => !gone.includes(kept));
      this.#record();
    });
    // Whoever asked is told; the next change and the stop go on.
    this.#changing = changing.catch(() => undefined);
    return changing;
  }

  /** Stops everything, members first and servers last. Resolves when no process is left. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await stopInOrder(this.#kept);
    removeProcessTable(this.#stateDir);
  }

  #keep(spec: ProcessSpec): KeptProcess {
    return new KeptProcess(spec, () => this.#record(), this.#say);
  }

  #record(): void {
    if (this.#isStopping) return;
    const children = this.#kept.flatMap(({ record }) => (record === undefined ? [] : [record]));
    writeProcessTable(this.#stateDir, { supervisor: this.#self, children });
  }
}

async function stopInOrder(kept: readonly KeptProcess[]): Promise<void> {
  const tiers = [...new Set(kept.map(({ spec }) => spec.tier))].sort((a, b) => b - a);
  for (const tier of tiers) {
    await Promise.all(kept.filter(({ spec }) => spec.tier === tier).map((one) => one.stop()));
  }
}

function processSpecs(stateDir: string, layout: Layout, { natsServer, adaos }: Programs): ProcessSpec[] {
  const output = (name: string): string => join(stateDir, "logs", `${name.replace("/", "_")}.out`);
  const servers = layout.servers.map(({ name, configFile }): ProcessSpec => {
    return { name, command: natsServer, args: ["-c", configFile], outputFile: output(name), tier: 0 };
  });
  const tierOf = { root: 1, hub: 2, member: 3 } as const;
  const nodes = layout.nodes.map(({ id, role, nodeFile }): ProcessSpec => {
    const args = [...NODE_FLAGS, adaos, "node", role, "--config", nodeFile];
    return { name: id, command: process.execPath, args, outputFile: output(id), tier: tierOf[role] };
  });
  return [...servers, ...nodes];
}

/** One process, started again whenever it ends unasked. */
class KeptProcess {
  readonly spec: ProcessSpec;
  readonly #onStart: () => void;
  readonly #say: (line: string) => void;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_RESTART_MS;
  #stopping = false;
  record: ProcessRecord | undefined;

  constructor(spec: ProcessSpec, onStart: () => void, say: (line: string) => void) {
    this.spec = spec;
    this.#onStart = onStart;
    this.#say = say;
  }

  start(): void {
    const { command, args, outputFile, name } = this.spec;
    const output = openOwnLog(outputFile, "w");
    const startedMs = Date.now();
    // Its own process group: a Ctrl-C is for the supervisor, which stops everything in order.
    const child = spawn(command, args, { stdio: ["ignore", output, output], detached: true });
    closeSync(output);
    this.#child = child;
    this.record = child.pid === undefined ? undefined : recordOf(name, child.pid);
    child.once("error", (error) => this.#ended(startedMs, error.message));
    child.once("exit", (code, signal) => this.#ended(startedMs, signal ?? `exit code ${code}`));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const limit = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(limit);
  }

  #ended(startedMs: number, how: string): void {
    if (this.#child === undefined) return;
    this.#child = undefined;
    this.record = undefined;
    if (this.#stopping) return;
    if (Date.now() - startedMs >= STEADY_MS) this.#pauseMs = FIRST_RESTART_MS;
    this.#say(
      `${this.spec.name} ended (${how}); starting it again in ${this.#pauseMs} ms, see ${this.spec.outputFile}`,
    );
    this.#restart = setTimeout(() => {
      this.start();
      this.#onStart();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_RESTART_MS);
  }
}
