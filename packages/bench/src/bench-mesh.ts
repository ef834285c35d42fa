import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MeshError, messageOf } from "@adaos/core";
import { writeBenchRegistry } from "./bench-registry.ts";
import type { ServerAccess } from "./contender.ts";

const HOME = fileURLToPath(new URL("../../..", import.meta.url));
const CLI = join(HOME, "packages/cli/bin/adaos.mjs");

const meshYaml = (durability: string): string => `
mesh: bench
durability: ${durability}
registry: events
subnets:
  # Alone: what is published here goes nowhere else.
  solo:
    members:
      publisher: { publish: [bench.] }
      subscriber: { subscribe: [bench.] }
  alpha:
    export: [bench.]
    members:
      publisher: { publish: [bench.] }
      subscriber: { subscribe: [bench.] }
  beta:
    import: [bench.]
    members:
      subscriber: { subscribe: [bench.] }
`;

/** A mesh of its own for the benchmark, on free ports of this machine. */
export class BenchMesh {
  readonly state: string;
  readonly #dir: string;
  readonly #stopped: readonly number[];

  private constructor(dir: string, stopped: readonly number[]) {
    this.#dir = dir;
    this.state = join(dir, "state");
    this.#stopped = stopped;
  }

  /** Rejects with `unavailable`. */
  static async start(durability: "synced" | "relaxed"): Promise<BenchMesh> {
    const dir = mkdtempSync(join(tmpdir(), "adaos-bench-"));
    const config = join(dir, "mesh.yaml");
    const state = join(dir, "state");
    writeFileSync(config, meshYaml(durability));
    writeBenchRegistry(join(dir, "events"), 10);
    await adaos(["up", "--config", config, "--state", state, "--detach"]);
    // The members' daemons log every event that they may see: work that nobody measures.
    const daemons = memberPids(state);
    for (const pid of daemons) process.kill(pid, "SIGSTOP");
    return new BenchMesh(dir, daemons);
  }

  /** By subnet; the root's under `root`. */
  servers(): Readonly<Record<string, ServerAccess>> {
    const { servers } = JSON.parse(readFileSync(join(this.state, "mesh.json"), "utf8")) as {
      servers: readonly { of: string; url: string; seedFile: string }[];
    };
    return Object.fromEntries(servers.map(({ of, url, seedFile }) => [of, { url, seedFile }]));
  }

  async stop(): Promise<void> {
    for (const pid of this.#stopped) process.kill(pid, "SIGCONT");
    await adaos(["down", "--state", this.state]);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function memberPids(state: string): number[] {
  const { children } = JSON.parse(readFileSync(join(state, "run/processes.json"), "utf8")) as {
    children: readonly { name: string; pid: number }[];
  };
  return children.filter(({ name }) => /\/(publisher|subscriber)$/.test(name)).map(({ pid }) => pid);
}

async function adaos(args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [CLI, ...args]);
  } catch (cause) {
    throw new MeshError("unavailable", `adaos ${args[0]} failed: ${messageOf(cause)}`, { cause });
  }
}
