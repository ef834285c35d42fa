import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Durability, MeshError, messageOf } from "@adaos/core";
import { writeBenchRegistry } from "./bench-registry.ts";
import type { ServerAccess } from "./contender.ts";

const HOME = fileURLToPath(new URL("../../..", import.meta.url));
const CLI = join(HOME, "packages/cli/bin/adaos.mjs");
/** The mesh that users get when they say nothing else. */
export const DEFAULT_MESH: string = join(HOME, "deploy/mesh.yaml");

const LIMIT_MS = 180_000;

/** How a mesh of the benchmark differs from the smallest one that does. */
export interface MeshSpec {
  readonly durability: Durability;
  /** In its registry. @default 10 */
  readonly eventTypes?: number;
  /** Policy rules in all. @default 10 */
  readonly rules?: number;
  /** Subnets beside `alpha` and `beta` that the root serves. @default 0 */
  readonly crowd?: number;
}

/** A process of a mesh. */
export interface MeshProcess {
  readonly name: string;
  readonly pid: number;
}

/** A mesh of its own for the benchmark, on free ports of this machine. */
export class BenchMesh {
  readonly state: string;
  readonly #paused: readonly MeshProcess[];

  private constructor(state: string, paused: readonly MeshProcess[]) {
    this.state = state;
    this.#paused = paused;
  }

  /** In `dir`, which is empty or does not exist. Rejects with `unavailable`. */
  static async start(dir: string, spec: MeshSpec): Promise<BenchMesh> {
    mkdirSync(dir, { recursive: true });
    const config = join(dir, "mesh.yaml");
    writeFileSync(config, meshYaml(spec));
    writeBenchRegistry(join(dir, "events"), spec.eventTypes ?? 10);
    const state = await up(dir, config);
    // The members' daemons log every event that they may see: work that nobody measures.
    const members = processesOf(state).filter(({ name }) => /\/(publisher|subscriber)$/.test(name));
    for (const { pid } of members) process.kill(pid, "SIGSTOP");
    return new BenchMesh(state, members);
  }

  /** A mesh as its file says, all of it running. */
  static async startFile(dir: string, config: string): Promise<BenchMesh> {
    mkdirSync(dir, { recursive: true });
    return new BenchMesh(await up(dir, config), []);
  }

  /** By subnet; the root's under `root`. */
  servers(): Readonly<Record<string, ServerAccess>> {
    const { servers } = JSON.parse(readFileSync(join(this.state, "mesh.json"), "utf8")) as {
      servers: readonly { of: string; url: string; seedFile: string }[];
    };
    return Object.fromEntries(servers.map(({ of, url, seedFile }) => [of, { url, seedFile }]));
  }

  /** Servers and daemons, but not who keeps them running. */
  processes(): readonly MeshProcess[] {
    return processesOf(this.state);
  }

  /** Runs `adaos` on this mesh. Resolves with what it prints. */
  adaos(args: readonly string[]): Promise<string> {
    return adaos([...args, "--state", this.state]);
  }

  async stop(): Promise<void> {
    for (const { pid } of this.#paused) process.kill(pid, "SIGCONT");
    await adaos(["down", "--state", this.state]);
  }
}

async function up(dir: string, config: string): Promise<string> {
  const state = join(dir, "state");
  try {
    await adaos(["up", "--config", config, "--state", state, "--detach"]);
  } catch (thrown) {
    // Some of it may run.
    await adaos(["down", "--state", state]).catch(() => undefined);
    throw thrown;
  }
  return state;
}

function processesOf(state: string): MeshProcess[] {
  const { children } = JSON.parse(readFileSync(join(state, "run/processes.json"), "utf8")) as {
    children: readonly MeshProcess[];
  };
  return children.map(({ name, pid }) => ({ name, pid }));
}

async function adaos(args: readonly string[]): Promise<string> {
  try {
    // A group of its own: a Ctrl-C must not end the command that stops a mesh.
    const options = { timeout: LIMIT_MS, maxBuffer: 16_777_216, detached: true };
    return (await promisify(execFile)(process.execPath, [CLI, ...args], options)).stdout;
  } catch (cause) {
    throw new MeshError("unavailable", `adaos ${args.slice(0, 3).join(" ")} failed: ${messageOf(cause)}`, {
      cause,
    });
  }
}

const OWN_RULE = "bench.";
/** Rules of the two subnets that are asked of an event on its way: publish, export, import, subscribe. */
const ASKED = 4;
/** All others of the smallest mesh. */
const OTHERS = 6;

/** Three subnets: what is published in `solo` and `fan` goes nowhere else, what is published in `alpha` goes to `beta`. */
function meshYaml({ durability, rules = ASKED + OTHERS }: MeshSpec): string {
  // The one that matches is the last of each list.
  const others = Array.from({ length: Math.floor((rules - OTHERS) / ASKED) - 1 }, (_, i) => `other-${i}.`);
  const many = [...others, OWN_RULE];
  const few = [OWN_RULE];
  const alone = { members: { publisher: { publish: few }, subscriber: { subscribe: few } } };
  // JSON is YAML.
  return JSON.stringify({
    mesh: "bench",
    durability,
    registry: "events",
    subnets: {
      solo: alone,
      fan: alone,
      alpha: { export: many, members: { publisher: { publish: many }, subscriber: { subscribe: few } } },
      beta: { import: many, members: { publisher: { publish: few }, subscriber: { subscribe: many } } },
    },
  });
}
