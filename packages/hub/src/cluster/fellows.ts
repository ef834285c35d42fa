import { gunzipSync, gzipSync } from "node:zlib";
import { type Logger, MeshError } from "@adaos/core";
import { FELLOW_RIGHTS, FELLOW_SERVICE, MAX_PAYLOAD_BYTES } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import type { Connection, PositionFile, RegistryReply } from "@adaos/transport-nats";
import { type Msg, RequestStrategy, type Subscription } from "nats";
import type { ServerGrants, SharedRights } from "../server-grants.ts";

/** What the daemon that serves the subnet tells the others. */
export interface FellowState {
  readonly rights: SharedRights;
  /** The text of its file of positions, from which another daemon goes on. */
  readonly positions?: string | undefined;
  /** Its registry, without the parts. */
  readonly registry: RegistryReply;
}

/** A question of a daemon that stands by: for the state, or for a part of the registry. */
export interface FellowRequest {
  /** Name of the daemon that asks. */
  readonly node: string;
  readonly part?: { readonly digest: string; readonly offset: number };
}

export interface FellowsOptions {
  readonly connection: Connection;
  readonly grants: ServerGrants;
  readonly positions: PositionFile | undefined;
  readonly serveRegistry: (request: unknown) => Promise<RegistryReply>;
  readonly log: Logger;
}

/** A daemon that stands by asks every few seconds; one that has not for this long is gone. */
const GONE_MS = 12_000;
/** Longest wait until the other servers have changed rights in force; they ask for what they missed. */
const SHARE_MS = 1500;
/** More positions than this are not handed on: a daemon that takes over begins with its own. */
const MAX_POSITIONS_BYTES = 16 * 1_048_576;

/** The other daemons of a hub, for the one that serves the subnet: they follow its rights, positions and registry. */
export class Fellows implements Part {
  readonly name = "fellows";
  readonly #options: FellowsOptions;
  readonly #heardMs = new Map<string, number>();
  #subscription: Subscription | undefined;

  constructor(options: FellowsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { connection, grants } = this.#options;
    this.#subscription = connection.nc.subscribe(FELLOW_SERVICE, {
      callback: (error, msg) => {
        if (error === null) void this.#onRequest(msg);
      },
    });
    grants.shareWith((rights) => this.#share(rights));
  }

  async stop(): Promise<void> {
    this.#options.grants.shareWith(undefined);
    this.#subscription?.unsubscribe();
  }

  health(): PartHealth {
    return { ready: true, details: { fellows: this.names } };
  }

  /** The daemons that stand by. */
  get names(): readonly string[] {
    const sinceMs = performance.now() - GONE_MS;
    return [...this.#heardMs].flatMap(([node, ms]) => (ms > sinceMs ? [node] : []));
  }

  /** Resolves when the servers beside the other daemons have these rights in force, or after a while. Never rejects. */
  async #share(rights: SharedRights): Promise<void> {
    const { connection, log } = this.#options;
    const fellows = this.names;
    if (fellows.length === 0 || !connection.connected || connection.nc.isClosed()) return;
    try {
      const answers = await connection.nc.requestMany(FELLOW_RIGHTS, packed(rights), {
        strategy: RequestStrategy.Count,
        maxMessages: fellows.length,
        maxWait: SHARE_MS,
      });
      for await (const answer of answers) {
        if (answer instanceof Error) throw answer;
      }
    } catch (err) {
      log.warn({ fellows, err }, "rights not at every server of the hub yet");
    }
  }

  async #onRequest(msg: Msg): Promise<void> {
    const { log, connection } = this.#options;
    try {
      const { node, part } = JSON.parse(msg.string()) as FellowRequest;
      this.#heardMs.set(node, performance.now());
      const answer = part === undefined ? await this.#state() : await this.#options.serveRegistry({ part });
      if (!connection.nc.isClosed()) msg.respond(packed(answer));
    } catch (err) {
      log.warn({ err }, "another daemon of the hub not answered");
    }
  }

  async #state(): Promise<FellowState> {
    const { grants, positions } = this.#options;
    const text = positions?.read();
    const fits = text !== undefined && text.length <= MAX_POSITIONS_BYTES;
    return {
      rights: grants.shared,
      registry: await this.#options.serveRegistry({}),
      ...(fits ? { positions: text } : {}),
    };
  }
}

/** Compressed: the rights of many members would not fit into a message otherwise. Throws `too-large`. */
export function packed(value: object): Uint8Array {
  const bytes = gzipSync(JSON.stringify(value));
  if (bytes.length < MAX_PAYLOAD_BYTES) return bytes;
  throw new MeshError("too-large", `the state of the hub is ${bytes.length} bytes, too many for a message`);
}

/** Throws for anything that {@link packed} has not made. */
export function unpacked<T>(bytes: Uint8Array): T {
  return JSON.parse(gunzipSync(bytes, { maxOutputLength: 4 * MAX_POSITIONS_BYTES }).toString("utf8")) as T;
}
