import { existsSync, statfsSync } from "node:fs";
import { readServerAccess } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { refusesWrites, serverProblem } from "@adaos/nats-server";
import { type ServerLayout, storeDirOf } from "@adaos/provision";
import { type Connection, openConnection } from "@adaos/transport-nats";
import { ANSWER_MS, type Answer } from "./answer.ts";

/** A stream may have this much waiting to be written; a server with less room would run out again at once. */
const ROOM_BYTES = 8_388_608;

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** Asks one server over a system account connection that stays open between two looks. */
export class ServerAsker {
  readonly #server: ServerLayout;
  readonly #storeDir: string;
  #connection: Connection | undefined;

  constructor(server: ServerLayout, stateDir: string) {
    this.#server = server;
    this.#storeDir = storeDirOf(stateDir, server);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    // No data is on its way any more, and a server that hangs must not delay the caller.
    await connection?.nc.close();
  }

  /** Never rejects. */
  async ask(): Promise<Answer> {
    try {
      this.#connection ??= await this.#open();
      const problem = await serverProblem(this.#connection.nc, ANSWER_MS);
      if (problem === undefined || !refusesWrites(problem)) return { kind: "well" };
      // The server does not accept writes again by itself, however much room there is.
      return this.#hasRoom() ? { kind: "stuck", reason: problem } : { kind: "well" };
    } catch (thrown) {
      await this.close();
      // A server that refuses our key does answer.
      if (thrown instanceof MeshError && thrown.code === "denied") return { kind: "well" };
      return { kind: "silent", reason: "does not answer" };
    }
  }

  #open(): Promise<Connection> {
    const { url, systemSeedFile, tls } = this.#server;
    return openConnection({
      ...readServerAccess({ url, seedFile: systemSeedFile, tls }),
      name: "adaos supervisor",
      user: "operator",
      log: SILENT,
      timeoutMs: ANSWER_MS,
    });
  }

  #hasRoom(): boolean {
    if (!existsSync(this.#storeDir)) return true;
    const { bavail, bsize } = statfsSync(this.#storeDir);
    return bavail * bsize >= ROOM_BYTES;
  }
}
