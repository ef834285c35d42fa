import { createHash } from "node:crypto";
import { dirname, join, relative } from "node:path";
import {
  hubNodeIds,
  type ListenAddress,
  logFilePath,
  type MeshFile,
  type NodeFileInput,
  nodeId,
  type ServerTls,
  storeDir,
} from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { Durability } from "@adaos/core/wire";
import { eventsStream, MESH_STREAM, ROOT_DOMAIN } from "@adaos/core/wire";
import type { ServerCluster } from "@adaos/nats-server";
import { dialHost, type MeshCertificates } from "./certificates/mesh-certificates.ts";
import type { Key, Keys } from "./keys/keys.ts";
import type { ServerLayout } from "./layout.ts";
import { encryptionText } from "./node-file-text.ts";

/** Ports of a server. */
export interface Ports {
  readonly port: number;
  readonly leafPort?: number;
  /** Of a root or a hub of several servers: for the others. */
  readonly clusterPort?: number;
}

/** Settings of every server's config beside ports and keys. */
interface ServerBasics extends ListenAddress {
  readonly storeDir: string;
  readonly logFile?: string;
  readonly durability: Durability;
  readonly encryption?: { readonly cipher: "chacha" | "aes"; readonly keyInclude: string } | undefined;
  readonly tls?: ServerTls;
}

/** The input for servers and for access to them. */
export interface ServerMaterial {
  readonly meshFile: MeshFile;
  readonly stateDir: string;
  readonly ports: ReadonlyMap<string, Ports>;
  /** Undefined: connections are plain. */
  readonly certificates: MeshCertificates | undefined;
  readonly keys: Keys;
  /** Host by which a server is dialled, if that differs from its listening address. */
  readonly dialled?: ReadonlyMap<string, string>;
}

/** Where the servers of one mesh listen, and how its nodes and servers reach them. */
export class ServerPlan {
  readonly #material: ServerMaterial;

  constructor(material: ServerMaterial) {
    this.#material = material;
  }

  /** The names of the root's servers, or of a hub's: the first of them is `of`. */
  serversOf(of: string): readonly string[] {
    return this.#material.meshFile.serversOf(of);
  }

  portsOf(name: string): Ports {
    const ports = this.#material.ports.get(name);
    if (ports === undefined) throw new MeshError("internal", `no ports were picked for ${name}`);
    return ports;
  }

  configFile(name: string): string {
    return join(this.#material.stateDir, "servers", `${name}.conf`);
  }

  settingsOf(name: string): ServerBasics {
    const { certificates, stateDir, meshFile } = this.#material;
    const { host, allowPlain } = this.#listen(name);
    const tls = certificates?.servers.get(name);
    const plain = allowPlain ?? this.#listen(ROOT_DOMAIN).allowPlain;
    return {
      host,
      storeDir: storeDir(stateDir, name),
      ...(meshFile.logs === "output" ? {} : { logFile: logFilePath(stateDir, `nats-${name}`) }),
      durability: meshFile.mesh.durability,
      ...encryptionText(meshFile, name, this.configFile(name)),
      ...(tls === undefined ? {} : { tls }),
      // A hub also dials its root.
      ...(plain === undefined ? {} : { allowPlain: plain }),
    };
  }

  /** Where hubs reach the root: at any of its servers. */
  rootUrls(): { readonly rootUrl: string; readonly otherRootUrls?: string[] } {
    const scheme = this.#material.certificates === undefined ? "nats-leaf" : "tls";
    const [rootUrl = "", ...otherRootUrls] = this.serversOf(ROOT_DOMAIN).map((name) => {
      return `${scheme}://${this.#dialHost(name)}:${this.portsOf(name).leafPort ?? 0}`;
    });
    return otherRootUrls.length === 0 ? { rootUrl } : { rootUrl, otherRootUrls };
  }

  /** `host:port` of each of the root's servers, or of a hub's, for the others. */
  #routes(of: string): string[] {
    return this.serversOf(of).map((name) => `${this.#dialHost(name)}:${this.portsOf(name).clusterPort ?? 0}`);
  }

  /** The part of a server in its cluster, for its config. */
  clusterOf(of: string, name: string): { readonly cluster?: ServerCluster } {
    if (this.serversOf(of).length === 1) return {};
    const include = this.#material.keys.routesFile(of, this.#routes(of));
    const routesInclude = relative(dirname(this.configFile(name)), include);
    return { cluster: { name, port: this.portsOf(name).clusterPort ?? 0, routesInclude } };
  }

  /** A node's access to the server of a subnet or of the root. One of several daemons begins with its own. */
  access(id: string, of: string, key: Key): NodeFileInput["server"] {
    const tls = this.#material.certificates?.nodes.get(id);
    const urlOf = (name: string): string =>
      `${tls === undefined ? "nats" : "tls"}://${this.#dialHost(name)}:${this.portsOf(name).port}`;
    const own = this.besideOf(id, of);
    const { allowPlain } = this.#listen(own);
    const others = this.serversOf(of).flatMap((name) => (name === own ? [] : [urlOf(name)]));
    return {
      url: urlOf(own),
      ...(others.length === 0 ? {} : { others }),
      seedFile: key.seedFile,
      ...(tls === undefined ? {} : { tls }),
      ...(allowPlain === undefined ? {} : { allowPlain }),
    };
  }

  /**
   * The server beside a daemon of the root or of a hub. With more daemons than servers, some share one; members begin
   * with different ones.
   */
  besideOf(id: string, of: string): string {
    const names = this.serversOf(of);
    const first = of === ROOT_DOMAIN ? ROOT_DOMAIN : nodeId({ subnet: of, node: "hub" });
    const isDaemon = id === first || id.startsWith(`${first}-`);
    const at = id === first ? 0 : isDaemon ? Number(id.slice(first.length + 1)) - 1 : spread(id);
    return names[at % names.length] ?? of;
  }

  /** The layout of the servers of a hub or of the root. */
  layoutOf(of: string, daemon: Key): ServerLayout {
    const ids = of === ROOT_DOMAIN ? this.serversOf(of) : hubNodeIds(of, this.serversOf(of).length);
    const [first, ...fellows] = this.serversOf(of).map((name, i): ServerLayout => {
      const storeKeyFile = this.#material.meshFile.encryptions.get(name)?.keyFile;
      const { url, seedFile, tls } = this.access(ids[i] ?? name, of, daemon);
      return {
        name: `nats-${name}`,
        of,
        url,
        configFile: this.configFile(name),
        seedFile,
        systemSeedFile: this.#material.keys.key(`${of}/system`).seedFile,
        ...(storeKeyFile === undefined ? {} : { storeKeyFile }),
        ...(tls === undefined ? {} : { tls }),
        stream: of === ROOT_DOMAIN ? MESH_STREAM : eventsStream(of),
      };
    });
    if (first === undefined) throw new MeshError("internal", `${of} has no server`);
    return fellows.length === 0 ? first : { ...first, others: fellows.map(({ url }) => url), fellows };
  }

  #listen(name: string): ListenAddress {
    const address = this.#material.meshFile.hosts.get(name);
    if (address === undefined) throw new MeshError("internal", `nothing says where ${name} listens`);
    return address;
  }

  #dialHost(name: string): string {
    return this.#material.dialled?.get(name) ?? dialHost(this.#listen(name));
  }
}

/** A number that stays with a member, whatever others come and go: no server has all of them. */
function spread(id: string): number {
  return createHash("sha256").update(id).digest().readUInt32BE(0);
}
