import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { type Durability, delay, ROOT_DOMAIN } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { askHealth } from "@adaos/supervise";
import { writeBenchRegistry } from "./bench-registry.ts";
import type { ServerAccess } from "./contender.ts";
import { Crowd } from "./crowd.ts";
import { dialServer } from "./dial-server.ts";
import { HOME, runAdaos } from "./run-adaos.ts";

/** The mesh that users get by default. */
export const DEFAULT_MESH: string = join(HOME, "deploy/mesh.yaml");

const LOOK_MS = 500;
/** A thousand subnets take half a minute on two idle cores. */
const LINK_LIMIT_MS = 600_000;

/** How a benchmark's mesh differs from the smallest possible one. */
export interface MeshSpec {
  readonly durability: Durability;
  /** Event types in its registry. @default 10 */
  readonly eventTypes?: number;
  /** Only `alpha` and `beta`. @default false */
  readonly pairOnly?: boolean;
  /** Policy rules between `alpha` and `beta`. @default as few as it needs */
  readonly rules?: number;
  /** Servers of its root. @default 1 */
  readonly rootServers?: number;
  /** Subnets beside `alpha` and `beta` that the root serves. @default 0 */
  readonly crowd?: number;
  /** Supervisor and members' daemons run, as for a user; else they stand still. @default false */
  readonly isSupervised?: boolean;
}

/** A process of a mesh. */
export interface MeshProcess {
  readonly name: string;
  readonly pid: number;
}

/** A separate mesh for the benchmark, on free ports of this machine. */
export class BenchMesh {
  readonly state: string;
  readonly #durability: Durability | undefined;
  #paused: readonly MeshProcess[] = [];
  #crowd: Crowd | undefined;
  #crowdSize = 0;

  private constructor(state: string, durability?: Durability) {
    this.state = state;
    this.#durability = durability;
  }

  /** Starts one in `dir`, which is empty or does not exist. Rejects with `unavailable`. */
  static async start(dir: string, spec: MeshSpec): Promise<BenchMesh> {
    mkdirSync(dir, { recursive: true });
    const config = join(dir, "mesh.yaml");
    writeFileSync(config, meshYaml(spec));
    writeBenchRegistry(join(dir, "events"), spec.eventTypes ?? 10);
    const mesh = new BenchMesh(await up(dir, config), spec.durability);
    try {
      await mesh.#prepare(spec);
    } catch (thrown) {
      await mesh.stop();
      throw thrown;
    }
    return mesh;
  }

  async #prepare({ crowd = 0, isSupervised = false }: MeshSpec): Promise<void> {
    if (crowd > 0) await this.addCrowd(crowd);
    if (isSupervised) return;
    // The members' daemons log every event that they may see: work that no scenario measures. The supervisor would
    // kill stopped daemons, so it is stopped too.
    const members = this.processes().filter(({ name }) => /\/(publisher|subscriber)$/.test(name));
    this.#paused = [supervisorOf(this.state), ...members];
    for (const { pid } of this.#paused) process.kill(pid, "SIGSTOP");
  }

  /** Adds subnets that send nothing. Resolves with the milliseconds from their connecting until all links carry. */
  async addCrowd(count: number): Promise<number> {
    const durability = this.#durability ?? "synced";
    this.#crowd = await Crowd.join({ state: this.state, durability }, count, `${this.state}-crowd`);
    this.#crowdSize = count;
    await this.untilLinked();
    return performance.now() - this.#crowd.joinedMs;
  }

  /** Waits until all links carry, those of the crowd included. Rejects when they do not within ten minutes. */
  async untilLinked(): Promise<void> {
    const deadlineMs = performance.now() + LINK_LIMIT_MS;
    for (;;) {
      const { components } = await askHealth(readLayout(this.state), this.state);
      const links = components.filter(({ kind }) => kind === "link");
      const ready = links.filter((link) => link.ready).length;
      // The root tells of a subnet that joins once it has read its file.
      if (ready === links.length && ready > 2 * this.#crowdSize) return;
      if (performance.now() >= deadlineMs) {
        throw new MeshError(
          "unavailable",
          `${ready} of ${links.length} links carry after ${LINK_LIMIT_MS} ms`,
        );
      }
      await delay(LOOK_MS);
    }
  }

  /** Starts the mesh of a file, complete. */
  static async startFile(dir: string, config: string): Promise<BenchMesh> {
    mkdirSync(dir, { recursive: true });
    return new BenchMesh(await up(dir, config));
  }

  /** By subnet; the root's under `root`. */
  servers(): Readonly<Record<string, ServerAccess>> {
    const { servers } = JSON.parse(readFileSync(join(this.state, "mesh.json"), "utf8")) as {
      servers: readonly { of: string; url: string; seedFile: string }[];
    };
    return Object.fromEntries(servers.map(({ of, url, seedFile }) => [of, { url, seedFile }]));
  }

  async serverVersion(): Promise<string> {
    const nc = await dialServer({ servers: this.servers() }, ROOT_DOMAIN);
    const { info } = nc;
    await nc.close();
    return info?.version ?? "unknown";
  }

  /** Servers and daemons, without their supervisor. */
  processes(): readonly MeshProcess[] {
    return processesOf(this.state);
  }

  /** Runs `adaos` on this mesh. Resolves with its output. */
  adaos(args: readonly string[]): Promise<string> {
    return runAdaos([...args, "--state", this.state]);
  }

  async stop(): Promise<void> {
    // The supervisor continues last: then it finds no stopped daemon.
    for (const { pid } of this.#paused.toReversed()) process.kill(pid, "SIGCONT");
    this.#crowd?.stop();
    await runAdaos(["down", "--state", this.state]);
  }
}

async function up(dir: string, config: string): Promise<string> {
  const state = join(dir, "state");
  try {
    await runAdaos(["up", "--config", config, "--state", state, "--detach"]);
  } catch (thrown) {
    // A part of it may be running.
    await runAdaos(["down", "--state", state]).catch(() => undefined);
    throw thrown;
  }
  return state;
}

function supervisorOf(state: string): MeshProcess {
  const table = JSON.parse(readFileSync(join(state, "run/processes.json"), "utf8")) as {
    readonly supervisor: MeshProcess;
  };
  return table.supervisor;
}

function processesOf(state: string): MeshProcess[] {
  const { children } = JSON.parse(readFileSync(join(state, "run/processes.json"), "utf8")) as {
    children: readonly MeshProcess[];
  };
  return children.map(({ name, pid }) => ({ name, pid }));
}

const OWN_RULE = "bench.";
/** Rules that an event meets on its way: of publishing, of leaving, of entering. */
const ASKED = 3;
/** All other rules between two subnets: the sender's subscribing, the receiver's publishing and subscribing. */
const UNASKED = 3;

/** Events of `alpha` go to `beta`; events of `solo` and `fan`, where they exist, stay inside. */
function meshYaml({
  durability,
  rules = ASKED + UNASKED,
  pairOnly = false,
  rootServers = 1,
}: MeshSpec): string {
  const few = [OWN_RULE];
  const share = Math.floor((rules - UNASKED) / ASKED);
  const alone = { members: { publisher: { publish: few }, subscriber: { subscribe: few } } };
  const publish = rulesEndingInOwn(rules - UNASKED - 2 * share);
  // JSON is YAML.
  return JSON.stringify({
    mesh: "bench",
    durability,
    registry: "events",
    root: { servers: rootServers },
    subnets: {
      ...(pairOnly ? {} : { solo: alone, fan: alone }),
      alpha: {
        export: rulesEndingInOwn(share),
        members: { publisher: { publish }, subscriber: { subscribe: few } },
      },
      beta: {
        import: rulesEndingInOwn(share),
        members: { publisher: { publish: few }, subscriber: { subscribe: few } },
      },
    },
  });
}

/** The matching rule comes last: the first match wins. */
function rulesEndingInOwn(count: number): string[] {
  return [...Array.from({ length: count - 1 }, (_, i) => `other-${i}.`), OWN_RULE];
}
