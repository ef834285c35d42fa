import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { MeshError } from "@adaos/core";

/** Below the range of ports for outgoing connections, so that no connection takes one by accident. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Hands out ports of 127.0.0.1 that are free now, each once. */
export class PortPicker {
  readonly #taken = new Set<number>();

  /** The port that the file fixes, else the last port, else a free port. Rejects with `unavailable`. */
  async pick(fixed: number | undefined, last: number | undefined): Promise<number> {
    if (fixed !== undefined) return this.#claim(fixed);
    if (last !== undefined && !this.#taken.has(last) && (await isFree(last))) return this.#claim(last);
    for (let attempt = 0; attempt < 200; attempt++) {
      const port = randomInt(FIRST_PORT, LAST_PORT);
      if (!this.#taken.has(port) && (await isFree(port))) return this.#claim(port);
    }
    throw new MeshError("unavailable", `no free port between ${FIRST_PORT} and ${LAST_PORT} on 127.0.0.1`);
  }

  #claim(port: number): number {
    if (this.#taken.has(port)) throw new MeshError("invalid-config", `port ${port} is given to two servers`);
    this.#taken.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
