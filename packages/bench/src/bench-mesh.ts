import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Durability, delay, ROOT_DOMAIN } from "@adaos/core/wire";
import { writeBenchRegistry } from "./bench-registry.ts";
import type { ServerAccess } from "./contender.ts";
import { Crowd } from "./crowd.ts";
import { dialServer } from "./dial-server.ts";
import { HOME, RUN_LIMIT_MS, runAdaos } from "./run-adaos.ts";

/** The mesh that users get by default. */
export const DEFAULT_MESH: string = join(HOME, "deploy/mesh.yaml");

const LOOK_MS = 200;

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
}

/** A process of a mesh. */
export interface MeshProcess {
  readonly name: string;
  readonly pid: number;
}

/** A separate mesh for the benchmark, on free ports of this machine. */
export class BenchMesh {
  readonly state: string;
  #paused: readonly MeshProcess[] = [];
  #crowd: Crowd | undefined;

  private constructor(state: string) {
    this.state = state;
  }

  /** Starts one in `dir`, which is empty or does not exist. Rejects with `unavailable`. */
  static async start(dir: string, spec: MeshSpec): Promise<BenchMesh> {
    mkdirSync(dir, { recursive: true });
    const config = join(dir, "mesh.yaml");
    writeFileSync(config, meshYaml(spec));
    writeBenchRegistry(join(dir, "events"), spec.eventTypes ?? 10);
    const mesh = new BenchMesh(await up(dir, config));
    try {
      await mesh.#prepare(spec, join(dir, "crowd"));
    } catch (thrown) {
      await mesh.stop();
      throw thrown;
    }
    return mesh;
  }

  async #prepare({ crowd = 0, durability }: MeshSpec, crowdDir: string): Promise<void> {
    if (crowd > 0) {
      this.#crowd = await Crowd.join({ state: this.state, durability }, crowd, crowdDir);
      await this.#untilJoined(crowd);
    }
    // The members' daemons log every event that they may see: work that no scenario measures. The supervisor would
    // kill stopped daemons, so it is stopped too.
    const members = this.processes().filter(({ name }) => /\/(publisher|subscriber)$/.test(name));
    this.#paused = [supervisorOf(this.state), ...members];
    for (const { pid } of this.#paused) process.kill(pid, "SIGSTOP");
  }

  /** Waits until the root has accepted the last subnet of the crowd, and all its links flow. */
  async #untilJoined(count: number): Promise<void> {
    const deadlineMs = Date.now() + RUN_LIMIT_MS;
    for (;;) {
      try {
        const told = await this.adaos(["status"]);
        if (told.includes(`down crowd-${count - 1} `)) return;
      } catch (thrown) {
        if (Date.now() >= deadlineMs) throw thrown;
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
