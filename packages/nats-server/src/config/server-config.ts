import { readFileSync } from "node:fs";
import { writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";
import { askServer } from "../running/ask-system.ts";
import { reloadServer } from "../running/reload.ts";

/** The config file of a running server, and its reloads. */
export class ServerConfig {
  readonly #file: string;
  readonly #system: NatsConnection;
  readonly #isAway: () => boolean;
  /** The config that the server last loaded from here, with the server's digest of it. */
  #enforced: { readonly text: string; readonly digest: string } | undefined;
  #enforcing: Promise<void> = Promise.resolve();

  /**
   * @param system Connection of the system account's user.
   * @param isAway Whether the server is down and nobody waits for it: then only the file is written, which it reads at
   * its start.
   */
  constructor(file: string, system: NatsConnection, isAway: () => boolean = () => false) {
    this.#file = file;
    this.#system = system;
    this.#isAway = isAway;
  }

  /**
   * Puts a config in force: a reload takes milliseconds and disturbs no connection that keeps its rights. `text` is
   * called when the earlier calls are done. Rejects as {@link reloadServer} does. A config that the server refuses
   * leaves the file unchanged.
   */
  enforce(text: () => string): Promise<void> {
    const enforced = this.#enforcing.then(() => this.#enforce(text()));
    // A failure of this reload goes to its caller only; the next one runs anyway.
    this.#enforcing = enforced.catch(() => undefined);
    return enforced;
  }

  async #enforce(text: string): Promise<void> {
    // Reload only if necessary: while a server reads its config it refuses connections, and JetStream does not answer.
    // Ask the server, not the file: a restarted server may use an older file.
    if (
      !this.#isAway() &&
      text === this.#enforced?.text &&
      (await this.#askDigest()) === this.#enforced.digest
    )
      return;
    const before = readFileSync(this.#file, "utf8");
    if (text !== before) writeWhole(this.#file, text);
    if (this.#isAway()) {
      this.#enforced = undefined;
      return;
    }
    try {
      // Reload even if the file is right already: the server may have started before it was written.
      await reloadServer(this.#system);
    } catch (thrown) {
      // The server goes on with its previous config, but would not start again from the refused one.
      const isRefused = thrown instanceof MeshError && thrown.code === "invalid-config";
      if (isRefused && text !== before) writeWhole(this.#file, before);
      throw thrown;
    }
    const digest = await this.#askDigest();
    this.#enforced = digest === undefined ? undefined : { text, digest };
  }

  /** The server's digest of its config; undefined when it reports none. */
  async #askDigest(): Promise<string | undefined> {
    try {
      const varz = await askServer<{ data?: { config_digest?: string } }>(this.#system, "VARZ");
      return varz.data?.config_digest;
    } catch {
      // The following reload reports the fault.
      return undefined;
    }
  }
}
