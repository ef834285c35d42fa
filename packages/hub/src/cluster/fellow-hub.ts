import type { HubFile } from "@adaos/config";
import type { DaemonEvent } from "@adaos/core/wire";
import type { MetricSource, OpenNode, Part } from "@adaos/daemon";
import {
  type Connection,
  openConnection,
  type PositionFile,
  type RegistryReply,
} from "@adaos/transport-nats";
import { keysOf, type ServerGrants } from "../server-grants.ts";
import { Duty, type Service } from "./duty.ts";
import { Fellows } from "./fellows.ts";
import { Follower } from "./follower.ts";

/** The services of a hub, how they apply a changed file, and how they end. */
export interface HubServices extends Service {
  /** Every part must be in this list: alerts are judged by the health of all of them. */
  readonly parts: Part[];
  /** The one whose start puts the rights of all members in force. */
  readonly members: Part;
  readonly sources: readonly MetricSource[];
  apply(changed: HubFile): Promise<void>;
  /** Publishes an event of the hub itself. */
  announce(event: DaemonEvent): void;
  /** Answers another daemon of the hub. */
  serveRegistry(request: unknown): Promise<RegistryReply>;
}

/** What the services of a hub work with. */
export interface HubMeans {
  readonly connection: Connection;
  /** Of the server's system account. */
  readonly system: Connection;
  readonly grants: ServerGrants;
}

export interface FellowHubOptions {
  readonly node: OpenNode<"hub">;
  readonly connection: Connection;
  readonly system: Connection;
  readonly grants: ServerGrants;
  readonly positions: PositionFile | undefined;
  readonly openHub: (node: OpenNode<"hub">, config: HubFile, means: HubMeans) => Promise<HubServices>;
}

/** One of several daemons of a hub: it serves the subnet in its turn, and keeps the config of its own server. */
export class FellowHub {
  readonly #options: FellowHubOptions;
  readonly #duty: Duty<HubServices>;
  /** The file in force. */
  #config: HubFile;

  constructor(options: FellowHubOptions) {
    const { node, connection, system, grants, positions } = options;
    const { config, path, log } = node;
    this.#options = options;
    this.#config = config;
    const { subnet, node: name, servers } = config;
    const registryCache = config.registryCache === undefined ? undefined : path(config.registryCache);
    this.#duty = new Duty({
      subnet,
      node: name,
      servers,
      connection,
      log,
      open: (signal) => this.#open(signal),
      follower: new Follower({ node: name, connection, grants, positions, registryCache, log }),
    });
    // A restarted server has read its file, which may be older than the latest rights.
    system.listen({
      onReconnect: () => {
        this.#enforce().catch((err: unknown) => log.warn({ err }, "rights not in force yet"));
      },
    });
  }

  get parts(): readonly Part[] {
    return [this.#duty];
  }

  /** Those of the services, while this daemon serves the subnet. */
  get sources(): readonly MetricSource[] {
    const read = async (): ReturnType<MetricSource["read"]> => {
      const sources = this.#duty.service?.sources ?? [];
      return (await Promise.all(sources.map((source) => source.read()))).flat();
    };
    return [{ name: "services", read }];
  }

  readonly members = (): readonly string[] => Object.keys(this.#config.members);

  /** Puts a changed file in force at the server beside this daemon, and in the services while it runs them. */
  async apply(changed: HubFile): Promise<void> {
    const { node, grants } = this.#options;
    node.replaceRights(changed);
    this.#config = changed;
    grants.setKeys(keysOf(changed));
    const service = this.#duty.service;
    if (service === undefined) await this.#enforce();
    else await service.apply(changed);
  }

  /** Before this daemon knows the rights, its server's file has better ones than it: those that were last in force. */
  async #enforce(): Promise<void> {
    const { grants } = this.#options;
    if (grants.isKnown) await grants.enforce();
  }

  /** The daemon that serves the subnet publishes events of the hub; one that stands by has none. */
  announce(event: DaemonEvent): void {
    this.#duty.service?.announce(event);
  }

  /** A connection for each turn: all that listens to it ends with it. */
  async #open(signal: AbortSignal): Promise<HubServices> {
    const { node, system, grants, positions, openHub } = this.#options;
    const { log, name } = node;
    const dialled = { ...node.dial(), name: `${name} (services)`, user: "hub", signal };
    const connection = await openConnection(dialled);
    try {
      const hub = await openHub(node, this.#config, { connection, system, grants });
      const { serveRegistry, members } = hub;
      const fellows = new Fellows({ connection, grants, positions, serveRegistry, log });
      // Not earlier: the others would take the rights of nobody from a daemon that has only begun.
      const parts = hub.parts.flatMap((part) => (part === members ? [part, fellows] : [part]));
      const close = async (): Promise<void> => {
        await hub.close();
        await connection.close();
      };
      return { ...hub, parts, close };
    } catch (thrown) {
      await connection.close();
      throw thrown;
    }
  }
}
