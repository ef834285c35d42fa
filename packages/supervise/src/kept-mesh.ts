import { join } from "node:path";
import { runFilePath } from "@adaos/config";
import { type Figure, messageOf } from "@adaos/core/wire";
import {
  type NodeStatus,
  type PartHealth,
  ResilienceLog,
  RunFileKeeper,
  Scrape,
  startStatusServer,
  whyStuck,
} from "@adaos/daemon";
import { type Layout, readLayout, restoreLayout } from "@adaos/provision";
import { RootFollower } from "./join/root-follower.ts";
import { Guard } from "./processes/guard.ts";
import { NODE_FLAGS } from "./processes/node-flags.ts";
import { type ChildRecord, isRunning, type Programs, SUPERVISOR } from "./processes/process-table.ts";
import type { StateLock } from "./processes/state-lock.ts";
import { stopAll } from "./processes/stop-processes.ts";
import { Supervisor } from "./processes/supervisor.ts";
import { Incidents } from "./watch/incidents.ts";
import { MeshFileWatch } from "./watch/mesh-file-watch.ts";
import { Watchdog } from "./watch/watchdog.ts";

const HTTP = { host: "127.0.0.1", port: 0 };

/** A mesh that this process has started and keeps running. */
export interface RunningMesh {
  readonly layout: Layout;
  /** How the supervisor itself is. */
  readonly status: NodeStatus;
  /** Reads the layout again: stops processes that it no longer lists, and starts new ones. */
  follow(): Promise<void>;
  stop(): Promise<void>;
}

export interface KeptMeshOptions {
  readonly stateDir: string;
  readonly layout: Layout;
  readonly programs: Programs;
  readonly say: (line: string) => void;
  /** Held until everything is stopped. */
  readonly lock: StateLock;
  /** The error in the mesh file, when the last good version is used instead. */
  readonly broken?: unknown;
  /** The children of a supervisor that has died, and its process id. */
  readonly left?: { readonly pid: number; readonly children: readonly ChildRecord[] };
}

/** Everything that keeps a mesh running: the supervisor, the watchdog, and the guard that restarts both. */
export class KeptMesh implements RunningMesh {
  readonly #options: KeptMeshOptions;
  readonly #supervisor: Supervisor;
  readonly #guard: Guard;
  readonly #watchdog: Watchdog;
  readonly #incidents: Incidents;
  readonly #meshFile: MeshFileWatch | undefined;
  /** Of a machine that has joined. */
  readonly #follower: RootFollower | undefined;
  readonly #startedAt: string = new Date().toISOString();
  readonly #runFile: RunFileKeeper;
  #layout: Layout;
  /** The error of the last attempt to keep files. */
  #trouble: string | undefined;
  #server: Awaited<ReturnType<typeof startStatusServer>> | undefined;
  #isServed = false;

  private constructor(options: KeptMeshOptions) {
    const { stateDir, layout, programs, say, broken } = options;
    this.#options = options;
    this.#layout = layout;
    this.#runFile = new RunFileKeeper(runFilePath(stateDir, SUPERVISOR), {
      warn: (_, event) => say(event),
    });
    this.#incidents = new Incidents(new ResilienceLog(stateDir));
    this.#meshFile =
      layout.configFile === undefined ? undefined : new MeshFileWatch(layout.configFile, broken);
    this.#follower =
      layout.joinedTo === undefined || layout.part !== undefined
        ? undefined
        : new RootFollower(stateDir, say);
    const resume = [
      ...[process.execPath, ...NODE_FLAGS, programs.adaos],
      ...["up", "--resume", "--state", stateDir],
    ];
    this.#guard = new Guard(resume, join(stateDir, "logs", "supervisor.log"), () => {
      this.#incidents.noteGuardLost();
      this.#keepFiles();
    });
    this.#supervisor = new Supervisor({
      stateDir,
      layout,
      programs,
      say,
      guard: () => this.#guard.record,
      onRestart: (restart) => this.#incidents.noteRestart(restart),
      onRestored: (name, file) => this.#incidents.noteRestored(name, file),
    });
    this.#watchdog = new Watchdog({
      stateDir,
      layout: () => this.#layout,
      kept: () => this.#supervisor.kept,
      onLook: () => {
        this.#lookAtFile();
        this.#keepFiles();
        if (!this.#isServed) void this.#serve();
      },
      onWell: (name, errors) => {
        this.#incidents.noteWell(name);
        this.#incidents.noteConfig(name, errors);
      },
    });
  }

  /** Starts the processes that do not run, and adopts those that do. */
  static async start(options: KeptMeshOptions): Promise<KeptMesh> {
    const mesh = new KeptMesh(options);
    const { left } = options;
    const orphans = (left?.children ?? []).filter(isRunning);
    // Two processes of the same server would write into one store.
    await stopAll(orphans.filter((orphan) => !mesh.#supervisor.wants(orphan)));
    mesh.#supervisor.start(orphans);
    // The guard resumes from the process table, which is complete at this point.
    mesh.#guard.start();
    mesh.#keepFiles();
    if (left !== undefined) mesh.#incidents.noteResumed(left.pid, orphans.length);
    await mesh.#serve();
    mesh.#lookAtFile();
    mesh.#watchdog.start();
    mesh.#follower?.start();
    return mesh;
  }

  get layout(): Layout {
    return this.#layout;
  }

  get status(): NodeStatus {
    return this.#status();
  }

  async follow(): Promise<void> {
    await this.#supervisor.follow(() => {
      this.#layout = readLayout(this.#options.stateDir);
      return this.#layout;
    });
  }

  async stop(): Promise<void> {
    const { lock } = this.#options;
    await this.#follower?.stop();
    await this.#guard.stop();
    await this.#watchdog.stop();
    await this.#supervisor.stop();
    this.#runFile.remove();
    await this.#server?.stop();
    lock.release();
  }

  #lookAtFile(): void {
    this.#meshFile?.look();
    const error = this.#meshFile?.error;
    this.#incidents.noteConfig("mesh file", error === undefined ? [] : [error]);
  }

  /** Restores files of the supervisor that somebody has removed or damaged. */
  #keepFiles(): void {
    let trouble: string | undefined;
    try {
      this.#options.lock.renew();
      restoreLayout(this.#options.stateDir);
      this.#supervisor.restoreFiles();
    } catch (thrown) {
      // The disk may be full: the next look tries again.
      trouble = messageOf(thrown);
    }
    if (trouble !== undefined && trouble !== this.#trouble) this.#options.say(`cannot write: ${trouble}`);
    this.#trouble = trouble;
  }

  /** Serves a status like a daemon's, so that `adaos status` sees whether the supervisor hangs. */
  async #serve(): Promise<void> {
    try {
      this.#server ??= await startStatusServer(
        HTTP,
        () => this.#status(),
        new Scrape({ status: () => this.#status(), figures: () => this.#figures() }),
      );
      this.#runFile.keep({
        node: SUPERVISOR,
        pid: process.pid,
        statusUrl: `http://${HTTP.host}:${this.#server.port}`,
        startedAt: this.#startedAt,
      });
      this.#isServed = true;
    } catch (thrown) {
      // The disk may be full, or no descriptor left. The processes are kept all the same, and the next look tries
      // again.
      this.#options.say(`its status cannot be asked yet: ${messageOf(thrown)}`);
    }
  }

  #figures(): readonly Figure[] {
    const { restartsOf, alerts } = this.#incidents;
    const names = this.#supervisor.kept.map(({ spec }) => spec.name);
    return [
      ...this.#supervisor.kept.map(({ spec, record }): Figure => {
        return { metric: "processUp", labels: [spec.name], value: record === undefined ? 0 : 1 };
      }),
      // A process that was never restarted reports 0, so that a collector sees the first restart.
      ...[...new Set([...names, ...restartsOf.keys()])].map((name): Figure => {
        return { metric: "processRestarts", labels: [name], value: restartsOf.get(name) ?? 0 };
      }),
      { metric: "restartAlerts", value: alerts.length },
      ...names.map((name): Figure => {
        const failures = alerts.find(({ component }) => component === name)?.failures ?? 0;
        return { metric: "processFailures", labels: [name], value: failures };
      }),
    ];
  }

  #status(): NodeStatus {
    const { note, details } = this.#incidents;
    const error = this.#meshFile?.error;
    const stuck = whyStuck(this.#watchdog.progress);
    const parts: Record<string, PartHealth> = {
      watchdog: { ready: true, ...(note === undefined ? {} : { note }), details },
      guard:
        this.#guard.record === undefined
          ? { ready: false, reason: "is being started again" }
          : { ready: true, details: { pid: this.#guard.record.pid } },
      ...(this.#follower === undefined ? {} : { root: this.#follower.health() }),
      config: { ready: true, ...(error === undefined ? {} : { details: { errors: [error] } }) },
    };
    return {
      node: SUPERVISOR,
      role: SUPERVISOR,
      pid: process.pid,
      startedAt: this.#startedAt,
      ready: Object.values(parts).every(({ ready }) => ready),
      ...(stuck === undefined ? {} : { stuck: { watchdog: stuck } }),
      parts,
    };
  }
}
