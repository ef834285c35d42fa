import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { claimStore } from "@adaos/nats-server";
import { type Layout, serverProcesses, storeDirOf } from "@adaos/provision";
import { outputFile } from "../status/last-error.ts";
import { KeptProcess, type ProcessSpec, type Restart } from "./kept-process.ts";
import { keptFor } from "./left-children.ts";
import { flagsOf, NODE_FLAGS } from "./node-flags.ts";
import {
  type ChildRecord,
  isWritten,
  type ProcessRecord,
  type ProcessTable,
  type Programs,
  recordOf,
  removeProcessTable,
  SUPERVISOR,
  VIEWER,
  writeProcessTable,
} from "./process-table.ts";
import { mendServerConfig } from "./server-config.ts";

export interface SupervisorOptions {
  readonly stateDir: string;
  readonly layout: Layout;
  readonly programs: Programs;
  /** Prints a line for the user. */
  readonly say: (line: string) => void;
  readonly onRestart?: (restart: Restart) => void;
  /** Called when a server's config was broken and its last good version was restored. */
  readonly onRestored?: (name: string, file: string) => void;
  /** The process that restarts this one, as it is now. */
  readonly guard?: () => ProcessRecord | undefined;
}

/** Keeps the processes of a mesh running: starts them, restarts those that die, and stops them all in order. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #kept: readonly KeptProcess[];
  readonly #self: ProcessRecord = recordOf(SUPERVISOR, process.pid);
  #changing: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    const { stateDir, layout } = options;
    this.#options = options;
    mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
    // A nats-server sets no file modes: its stores and logs take the umask of this process.
    process.umask(0o077);
    this.#kept = this.#specs(layout).map((spec) => this.#keep(spec));
  }

  get kept(): readonly KeptProcess[] {
    return this.#kept;
  }

  /** Whether an orphan runs as the layout demands. */
  wants(orphan: ChildRecord): boolean {
    return this.#kept.some(({ spec }) => isOf(orphan, spec));
  }

  /**
   * Starts every process, or adopts it if it runs already.
   * @param orphans Processes of an earlier supervisor. Each runs as the layout demands, or does not run.
   */
  start(orphans: readonly ChildRecord[] = []): void {
    const added = this.#kept.filter((kept) => {
      const orphan = orphans.find((one) => isOf(one, kept.spec));
      if (orphan !== undefined) kept.adopt(orphan);
      return orphan === undefined;
    });
    this.#begin(added);
  }

  /**
   * Starts processes that are new in the layout, and stops those that it no longer lists; the others are not disturbed.
   */
  follow(readLayout: () => Layout): Promise<void> {
    const changing = this.#changing.then(async () => {
      if (this.#isStopping) return;
      const wanted = this.#specs(readLayout());
      const gone = this.#kept.filter(({ spec }) => !wanted.some(({ name }) => name === spec.name));
      const added = wanted
        .filter(({ name }) => !this.#kept.some(({ spec }) => spec.name === name))
        .map((spec) => this.#keep(spec));
      // A new process does not wait for slow ones to stop. Those stay in the list until they have stopped, so that a
      // stop of the whole mesh stops them too.
      this.#kept = [...this.#kept, ...added];
      this.#begin(added);
      await stopInOrder(gone);
      this.#kept = this.#kept.filter((kept) => !gone.includes(kept));
      this.record();
    });
    // The caller gets the error; the next change and the stop go on.
    this.#changing = changing.catch(() => undefined);
    return changing;
  }

  /** Stops everything, members first and servers last. Resolves when no process is left. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await stopInOrder(this.#kept);
    removeProcessTable(this.#options.stateDir);
  }

  /** Records the running processes, for a process that has to stop or adopt them. Throws the system's error. */
  record(): void {
    if (this.#isStopping) return;
    writeProcessTable(this.#options.stateDir, this.#table());
  }

  /**
   * Restores files that somebody has removed or damaged: the table, and the configs of servers. Throws the error of a
   * failure.
   */
  restoreFiles(): void {
    if (this.#isStopping) return;
    const { stateDir } = this.#options;
    const table = this.#table();
    if (!isWritten(stateDir, table)) writeProcessTable(stateDir, table);
    for (const { spec } of this.#kept) spec.beforeStart?.();
  }

  #table(): ProcessTable {
    const { programs, guard } = this.#options;
    const guarding = guard?.();
    return {
      supervisor: this.#self,
      ...(guarding === undefined ? {} : { guard: guarding }),
      children: this.#kept.flatMap(({ record }) => (record === undefined ? [] : [record])),
      programs,
    };
  }

  /** No process runs before all are recorded. */
  #begin(added: readonly KeptProcess[]): void {
    for (const kept of added) kept.prepare();
    try {
      this.record();
      for (const kept of added) kept.go();
    } catch (thrown) {
      for (const kept of added) kept.abandon(thrown);
    }
  }

  #specs(layout: Layout): ProcessSpec[] {
    return processSpecs(layout, this.#options);
  }

  #keep(spec: ProcessSpec): KeptProcess {
    return new KeptProcess(spec, {
      onRecord: () => this.record(),
      onRestart: (restart) => {
        const { say, onRestart } = this.#options;
        const { name, reason, ordered, pauseMs } = restart;
        const what = ordered ? `${name} was ended (${reason})` : `${name} ended (${reason})`;
        say(`${what}; starting it again in ${pauseMs} ms, see ${spec.outputFile}`);
        onRestart?.(restart);
      },
    });
  }
}

async function stopInOrder(kept: readonly KeptProcess[]): Promise<void> {
  const tiers = [...new Set(kept.map(({ spec }) => spec.tier))].sort((a, b) => b - a);
  for (const tier of tiers) {
    await Promise.all(kept.filter(({ spec }) => spec.tier === tier).map((one) => one.stop()));
  }
}

/** Whether a process runs as its spec demands. */
function isOf({ name, command = [] }: ChildRecord, spec: ProcessSpec): boolean {
  return name === spec.name && command.join("\0") === [spec.command, ...spec.args].join("\0");
}

function processSpecs(
  layout: Layout,
  { stateDir, programs: { natsServer, adaos }, onRestored }: SupervisorOptions,
): ProcessSpec[] {
  const common = (name: string): Pick<ProcessSpec, "name" | "outputFile" | "env"> => ({
    name,
    outputFile: outputFile(stateDir, name),
    env: keptFor(stateDir, name),
  });
  const servers = serverProcesses(layout).map((server): ProcessSpec => {
    const { name, configFile, url } = server;
    const args = ["-c", configFile];
    const beforeStart = (): void => {
      if (mendServerConfig(configFile)) onRestored?.(name, configFile);
      claimStore(storeDirOf(stateDir, server), server.storeKeyFile);
    };
    return { ...common(name), command: natsServer, args, tier: 0, url, beforeStart };
  });
  const tierOf = { root: 1, hub: 2, member: 3 } as const;
  const nodes = layout.nodes.map(({ id, role, nodeFile }): ProcessSpec => {
    const args = [...flagsOf(role), adaos, "node", role, "--config", nodeFile];
    return { ...common(id), command: process.execPath, args, tier: tierOf[role] };
  });
  if (layout.viewer === undefined) return [...servers, ...nodes];
  const args = [...NODE_FLAGS, adaos, "view", "serve", "--state", stateDir];
  return [...servers, ...nodes, { ...common(VIEWER), command: process.execPath, args, tier: 4 }];
}
