import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import type { FixedPorts, ScrapeAddress } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ANY_HOST } from "./certificates/mesh-certificates.ts";

/** Below the range of ports for outgoing connections, so that no connection takes one by accident. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const LOOPBACK = "127.0.0.1";

/** Hands out ports of 127.0.0.1 that are free now, each once. */
export class PortPicker {
  /** The hosts that have a fixed port; undefined: a port of this machine. */
  readonly #taken = new Map<number, (string | undefined)[]>();

  /** The last port, else a free port. Rejects with `unavailable`. */
  async pick(last: number | undefined): Promise<number> {
    if (last !== undefined && !this.#taken.has(last) && (await isFree(last))) return this.#take(last);
    for (let attempt = 0; attempt < 200; attempt++) {
      const port = randomInt(FIRST_PORT, LAST_PORT);
      if (!this.#taken.has(port) && (await isFree(port))) return this.#take(port);
    }
    throw new MeshError("unavailable", `no free port between ${FIRST_PORT} and ${LAST_PORT} on 127.0.0.1`);
  }

  /**
   * Keeps a port that the mesh file fixes. Servers of different machines may have the same one.
   * @param host Address where the server listens. @default every address of this machine
   * @throws {MeshError} `invalid-config` when another server of the same machine has it.
   */
  claim(port: number, host: string = ANY_HOST): void {
    const others = this.#taken.get(port) ?? [];
    const own = machineOf(host);
    if (!others.every((other) => isElsewhere(own, other)))
      throw new MeshError("invalid-config", `port ${port} is given to two servers`);
    this.#taken.set(port, [...others, own]);
  }

  #take(port: number): number {
    this.#taken.set(port, [undefined]);
    return port;
  }
}

/** One spelling of a host. Pure. */
function machineOf(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, "");
  return name === "localhost" ? LOOPBACK : name;
}

function isElsewhere(host: string, other: string | undefined): boolean {
  return other !== undefined && host !== other && host !== ANY_HOST && other !== ANY_HOST;
}

/**
 * Rejects with `unavailable` when another program listens at a port that servers of this machine need, or when this
 * user may not listen there. Without it a start would wait for that port.
 * @param ports The ports of each server, by its name in the mesh file. None of these servers runs.
 * @param hostOf Where a server listens. @default at 127.0.0.1
 */
export async function assertPortsFree(
  ports: Iterable<readonly [string, FixedPorts]>,
  hostOf: (name: string) => string | undefined = () => undefined,
): Promise<void> {
  for (const [name, { port, leafPort, clusterPort }] of ports) {
    for (const [key, one] of Object.entries({ port, leafPort, clusterPort })) {
      const trouble = one === undefined ? undefined : await troubleOf(one, hostOf(name));
      // An address of another machine, as in the file of a mesh that is written here to be copied there.
      if (trouble === undefined || trouble === "EADDRNOTAVAIL" || trouble === "ENOTFOUND") continue;
      const why =
        trouble === "EACCES"
          ? "this user may not listen there"
          : `another program listens there (ss -ltnp 'sport = :${one}' names it); end it`;
      const what = `port ${one} of the server of ${name} cannot be used: ${why}`;
      throw new MeshError("unavailable", `${what}, or give the server another ${key} in the mesh file`);
    }
  }
}

/**
 * Rejects with `unavailable` when a collector's port of a daemon on this machine cannot be listened at. None of these
 * daemons runs.
 * @param scrapes The addresses of the daemons of this machine, by node.
 */
export async function assertScrapePortsFree(
  scrapes: Iterable<readonly [string, Pick<ScrapeAddress, "host" | "port">]>,
): Promise<void> {
  for (const [id, { host, port }] of scrapes) {
    const trouble = await troubleOf(port, host);
    if (trouble === undefined) continue;
    const what = `port ${port} for the metrics of ${id} cannot be used: ${whyNot(trouble, port, host)}`;
    throw new MeshError("unavailable", `${what}, or give it another metrics.port in the mesh file`);
  }
}

function whyNot(trouble: string, port: number, host: string): string {
  if (trouble === "EACCES") return "this user may not listen there; run this as a user who may";
  if (trouble === "EADDRINUSE")
    return `another program listens there (ss -ltnp 'sport = :${port}' names it); end it`;
  return `this machine cannot listen at ${host} (${trouble}); name an address of this machine as its metrics.host`;
}

async function isFree(port: number): Promise<boolean> {
  return (await troubleOf(port)) === undefined;
}

/** The system's code for what is in the way of listening at a port. */
function troubleOf(port: number, host = LOOPBACK): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", ({ code = "unknown" }: NodeJS.ErrnoException) => resolve(code));
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}
