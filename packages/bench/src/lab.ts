import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { type Durability, messageOf } from "@adaos/core/wire";
import { BenchMesh, type MeshSpec } from "./bench-mesh.ts";
import type { Backing, Contender, Place } from "./contender.ts";
import { entryOf } from "./contenders.ts";
import { WorkerProcess } from "./workers/worker-process.ts";
import type { Work } from "./workers/worker-protocol.ts";

export interface LabOptions {
  readonly durability: Durability;
  /** Share of the events that is sent. */
  readonly scale: number;
  /** Names of contenders, in the order of their turns. */
  readonly contenders: readonly string[];
  readonly say: (line: string) => void;
  /** Ends the current measurement. */
  readonly signal: AbortSignal;
}

/** A contender that is ready to run. */
export interface ReadyContender {
  readonly name: string;
  readonly contender: Contender;
  readonly settings: unknown;
}

/** With so small a share, the streams of one mesh have room for all scenarios. */
const QUICK_SCALE = 0.1;

/** Starts everything for the measurements, and stops it afterwards. */
export class Lab {
  readonly durability: Durability;
  readonly scale: number;
  /** Skipped measurements, and why. */
  readonly leftOut: Map<string, string> = new Map();
  /** Versions of the contenders' servers and clients. */
  readonly versions: Record<string, string> = {};
  readonly #options: LabOptions;
  readonly #dir: string = mkdtempSync(join(tmpdir(), "adaos-bench-"));
  readonly #backings = new Map<string, Backing>();
  readonly #meshes: BenchMesh[] = [];
  #mesh: Promise<BenchMesh> | undefined;
  #count = 0;

  constructor(options: LabOptions) {
    this.#options = options;
    this.durability = options.durability;
    this.scale = options.scale;
  }

  /** The scenario's mesh, which its contenders share: no scenario pays for the stored events of an earlier one. */
  mesh(): Promise<BenchMesh> {
    this.#mesh ??= this.#start({});
    return this.#mesh;
  }

  /** One more mesh for the scenario; {@link endScenario} stops it. */
  async startMesh(spec: Omit<MeshSpec, "durability">): Promise<BenchMesh> {
    return this.#keep(await this.#start(spec));
  }

  /** As {@link startMesh}, from a mesh file. */
  async startMeshFile(config: string): Promise<BenchMesh> {
    return this.#keep(await BenchMesh.startFile(this.#newDir(), config));
  }

  /** The scenario's contenders that are wanted and installed. Starts their servers. */
  async contendersOf(scenario: string): Promise<ReadyContender[]> {
    const ready: ReadyContender[] = [];
    for (const name of this.#options.contenders) {
      const entry = entryOf(name);
      if (!entry.scenarios.includes(scenario) || this.leftOut.has(name)) continue;
      try {
        if ((await entry.isInstalled?.()) === false) {
          throw new MeshError("unavailable", "not installed (--install-peers)");
        }
        const backing = await this.#backingOf(name);
        ready.push({ name, contender: await entry.load(), settings: backing?.settings });
      } catch (thrown) {
        this.#options.signal.throwIfAborted();
        this.leaveOut(name, messageOf(thrown));
      }
    }
    return ready;
  }

  leaveOut(what: string, why: string): void {
    this.leftOut.set(what, why);
    this.#options.say(`left out: ${what}: ${why}`);
  }

  /** Starts a worker, and ends it after its run: gracefully after a good one. */
  async withWorker<T>(work: Work, use: (worker: WorkerProcess) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const worker = new WorkerProcess(work, this.signal);
    try {
      const result = await use(worker);
      await worker.close();
      return result;
    } finally {
      worker.kill();
    }
  }

  say(line: string): void {
    this.#options.say(line);
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  async endScenario(): Promise<void> {
    if (this.scale > QUICK_SCALE) await this.#stopMesh();
    for (const mesh of this.#meshes.splice(0)) await mesh.stop();
  }

  async #stopMesh(): Promise<void> {
    const mesh = await this.#mesh?.catch(() => undefined);
    this.#mesh = undefined;
    await mesh?.stop();
  }

  /** Stops everything, also after a failed or partial start. */
  async close(): Promise<void> {
    const stops = [
      () => this.endScenario(),
      () => this.#stopMesh(),
      ...[...this.#backings.values()].map((backing) => () => backing.stop()),
    ];
    const failures: string[] = [];
    for (const stop of stops) {
      await stop().catch((thrown: unknown) => {
        failures.push(messageOf(thrown));
      });
    }
    if (failures.length > 0) throw new MeshError("unavailable", `not stopped: ${failures.join("; ")}`);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #start(spec: Omit<MeshSpec, "durability">): Promise<BenchMesh> {
    this.#options.say("starting a mesh");
    const mesh = await BenchMesh.start(this.#newDir(), { durability: this.durability, ...spec });
    this.versions["nats-server"] ??= await mesh.serverVersion().catch(() => "unknown");
    return mesh;
  }

  #keep(mesh: BenchMesh): BenchMesh {
    this.#meshes.push(mesh);
    return mesh;
  }

  async #backingOf(name: string): Promise<Backing | undefined> {
    const entry = entryOf(name);
    const started = this.#backings.get(name);
    if (started !== undefined || entry.start === undefined) return started;
    this.#options.say(`starting what ${name} needs`);
    const backing = await entry.start(this.durability, this.#newDir());
    this.#backings.set(name, backing);
    Object.assign(this.versions, backing.versions);
    return backing;
  }

  #newDir(): string {
    const dir = join(this.#dir, String(++this.#count));
    mkdirSync(dir);
    return dir;
  }
}

/** The place of a run in a mesh. */
export function placeOf(
  mesh: BenchMesh,
  way: Pick<Place, "from" | "to">,
  run: string,
  settings?: unknown,
): Place {
  return { ...way, run, receiver: "handler", state: mesh.state, servers: mesh.servers(), settings };
}
