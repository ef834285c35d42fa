import { dirname, join, relative } from "node:path";
import {
  compiledPolicyText,
  type ListenAddress,
  logFilePath,
  type MeshFile,
  type NodeFileInput,
  nodeFilePath,
  nodeId,
  outboxDir,
  positionsPath,
  readSeed,
  registryCachePath,
  rootNodeIds,
  runFilePath,
  type ServerTls,
  storeDir,
  type TimersByMember,
} from "@adaos/config";
import { MeshError, Policy, type PolicyRule } from "@adaos/core";
import type { Durability, Subnet } from "@adaos/core/wire";
import { eventsStream, MESH_STREAM, ROOT_DOMAIN, rulesOf } from "@adaos/core/wire";
import { compileHubServer, compileRootServer, linkKeys } from "@adaos/nats-server";
import { dialHost, type MeshCertificates } from "./certificates/mesh-certificates.ts";
import { type Key, type Keys, leafKeyName, memberKeyName } from "./keys/keys.ts";
import { NodeSignatures } from "./keys/node-signatures.ts";
import type { Layout, NodeLayout, ServerLayout } from "./layout.ts";
import { hubMemberText, limitsText, memberText, nodeFileText } from "./node-file-text.ts";
import { type Invited, isRemote, isRemoteMember, remoteKeyNames } from "./remote.ts";

/** Ports of a server. */
export interface Ports {
  readonly port: number;
  readonly leafPort?: number;
}

/** Settings of every server's config beside ports and keys. */
interface ServerBasics extends ListenAddress {
  readonly storeDir: string;
  readonly logFile?: string;
  readonly durability: Durability;
  readonly tls?: ServerTls;
}

/** Everything a mesh on this machine is started from, by file. */
export interface Plan {
  readonly layout: Layout;
  /** Text of each server config and each node file, by its path. */
  readonly files: ReadonlyMap<string, string>;
  /** Names of keys whose seeds are on other machines. */
  readonly remoteKeys: ReadonlySet<string>;
}

/** Consumers by member. */
export type Grants = ReadonlyMap<string, readonly string[]>;

/** Paths of a hub's files, and the policy that they will have. */
export interface HubFiles {
  readonly configFile: string;
  readonly nodeFile: string;
  readonly policy: ReturnType<typeof compiledPolicyText>;
}

/** The input for the files of a mesh. */
interface Material {
  readonly meshFile: MeshFile;
  readonly rules: readonly PolicyRule[];
  readonly timers: TimersByMember;
  readonly stateDir: string;
  readonly ports: ReadonlyMap<string, Ports>;
  /** Undefined: connections are plain. */
  readonly certificates: MeshCertificates | undefined;
  readonly keys: Keys;
  /** Public nkeys of open invitations to join. */
  readonly invitations: ReadonlyMap<string, string>;
  /** Host by which a server is dialled, if that differs from its listening address. */
  readonly dialled?: ReadonlyMap<string, string>;
}

type CommonEntries = Pick<NodeFileInput, "mesh" | "server" | "metrics" | "runFile" | "log" | "tracing">;

/** Builds the files of one mesh. Only keys are written at once, since the other files name them. */
export class MeshPlanner {
  readonly #meshFile: MeshFile;
  readonly #rules: readonly PolicyRule[];
  readonly #timers: TimersByMember;
  readonly #stateDir: string;
  readonly #ports: ReadonlyMap<string, Ports>;
  readonly #certificates: MeshCertificates | undefined;
  readonly #keys: Keys;
  readonly #signatures: NodeSignatures;
  readonly #invitations: ReadonlyMap<string, string>;
  readonly #dialled: ReadonlyMap<string, string>;
  readonly #servers: ServerLayout[] = [];
  readonly #nodes: NodeLayout[] = [];
  readonly #files = new Map<string, string>();
  readonly #grantsOf: (hub: HubFiles) => Grants;

  constructor(
    { meshFile, rules, timers, stateDir, ports, certificates, keys, invitations, dialled }: Material,
    grantsOf: (hub: HubFiles) => Grants,
  ) {
    this.#grantsOf = grantsOf;
    this.#meshFile = meshFile;
    this.#rules = rules;
    this.#timers = timers;
    this.#stateDir = stateDir;
    this.#ports = ports;
    this.#certificates = certificates;
    this.#keys = keys;
    this.#signatures = new NodeSignatures(meshFile.mesh, new Policy(rules), keys);
    this.#invitations = invitations;
    this.#dialled = dialled ?? new Map();
  }

  /** Plans the whole mesh, except its remote nodes. */
  plan(): Plan {
    const { mesh, file } = this.#meshFile;
    const local = [...mesh.subnets.values()].filter((subnet) => !isRemote(subnet));
    const remote = [...mesh.subnets.values()].filter(isRemote).map(({ name }) => name);
    const joined = remote.flatMap((name) => {
      const key = this.#keys.joined(leafKeyName(name));
      return key === undefined ? [] : [[name, key] as const];
    });
    const leafKeys = local.map(({ name }) => [name, this.#keys.leafKey(name)] as const);
    this.#buildRoot(
      new Map([...leafKeys.map(([name, { publicKey }]) => [name, publicKey] as const), ...joined]),
    );
    for (const subnet of local) {
      this.#buildHub(subnet);
      for (const member of subnet.members.values()) {
        if (!isRemoteMember(member)) this.#buildMember(subnet, member.name);
      }
    }
    return this.#made({ configFile: file, ...(remote.length === 0 ? {} : { remote }) });
  }

  /** Plans the node of an invitation on another machine: a hub with its members, or one member. */
  planRemote({ subnet: name, member }: Invited, joinedTo: string): Plan {
    const subnet = this.#meshFile.mesh.subnets.get(name);
    if (subnet === undefined) throw new MeshError("usage", `the mesh has no subnet ${name}`);
    if (member === undefined) this.#buildHub(subnet);
    for (const node of member === undefined ? subnet.members.keys() : [member]) {
      this.#buildMember(subnet, node);
    }
    return this.#made({ joinedTo });
  }

  #made(about: Pick<Layout, "configFile" | "joinedTo" | "remote">): Plan {
    const { mesh, registryDir, chaos, viewer, logs } = this.#meshFile;
    const layout: Layout = {
      mesh: mesh.name,
      ...about,
      ...(chaos === undefined ? {} : { chaos }),
      ...(logs === "output" ? { logs } : {}),
      ...(viewer === undefined || about.joinedTo !== undefined ? {} : { viewer }),
      registryDir,
      ports: Object.fromEntries(this.#ports),
      servers: this.#servers,
      nodes: this.#nodes,
    };
    return { layout, files: this.#files, remoteKeys: remoteKeyNames(this.#meshFile) };
  }

  #buildRoot(leafKeys: ReadonlyMap<string, string>): void {
    const { mesh, streams, autoApply, alerts } = this.#meshFile;
    const daemon = this.#keys.key("root/daemon");
    const system = this.#keys.key("root/system");
    const { port, leafPort = 0 } = this.#portsOf(ROOT_DOMAIN);
    const server = {
      ...this.#serverSettings(ROOT_DOMAIN),
      port,
      leafPort,
      systemKey: system.publicKey,
      rootKey: daemon.publicKey,
    };
    this.#addServer(
      ROOT_DOMAIN,
      compileRootServer({
        ...server,
        leafKeys,
        linkKeys: linkKeys(readSeed(daemon.seedFile), leafKeys.keys()),
        invitations: this.#invitations,
      }),
      daemon,
      MESH_STREAM,
    );
    const subnets = [...mesh.subnets.values()].flatMap(
      ({ name, tenant, members, clearance = [], exportLimit }) => {
        const leafKey = leafKeys.get(name);
        if (leafKey === undefined) return [];
        const limit = exportLimit === undefined ? {} : { exportLimit };
        return [
          [
            name,
            {
              tenant,
              leafKey,
              nodes: [...members.keys()],
              ...(clearance.length === 0 ? {} : { clearance: [...clearance] }),
              ...limit,
            },
          ] as const,
        ];
      },
    );
    const natsServer = {
      configFile: this.#configFile(ROOT_DOMAIN),
      systemSeedFile: system.seedFile,
      ...server,
    };
    for (const id of rootNodeIds(this.#meshFile.rootDaemons)) {
      this.#addNode(id, "root", {
        role: "root",
        ...this.#common(id, ROOT_DOMAIN, daemon),
        ...this.#signatures.ofRoot(),
        node: id,
        stateDir: this.#stateDir,
        streams,
        positions: positionsPath(this.#stateDir, id),
        registry: this.#meshFile.registryDir,
        ...(autoApply === false ? { autoApply } : {}),
        // Only one of several root daemons judges: each would raise the same alerts.
        ...(alerts === undefined || id !== ROOT_DOMAIN ? {} : { alerts }),
        policy: compiledPolicyText(this.#rules.filter((rule) => rule.node === undefined)),
        subnets: Object.fromEntries(subnets),
        natsServer,
      });
    }
  }

  #buildHub(subnet: Subnet): void {
    const { name } = subnet;
    const leaf = this.#keys.leafKey(name);
    const daemon = this.#keys.key(`${name}/hub`);
    const system = this.#keys.key(`${name}/system`);
    const memberKeys = this.#memberKeysOf(subnet);
    const configFile = this.#configFile(name);
    const server = {
      ...this.#serverSettings(name),
      ...this.#portsOf(name),
      systemKey: system.publicKey,
      hubKey: daemon.publicKey,
      rootUrl: this.#rootUrl(),
      // Servers read an include relative to the file that names it.
      leafSeedInclude: relative(dirname(configFile), leaf.includeFile),
      leafKey: leaf.publicKey,
    };
    const rules = rulesOf(this.#rules, name);
    const policy = new Policy(rules);
    const id = nodeId({ subnet: name, node: "hub" });
    const consumers = this.#grantsOf({
      configFile,
      nodeFile: nodeFilePath(this.#stateDir, id),
      policy: compiledPolicyText(rules),
    });
    const config = compileHubServer({ ...server, subnet: name, policy, memberKeys, consumers });
    this.#addServer(name, config, daemon, eventsStream(name));
    this.#addNode(id, "hub", {
      role: "hub",
      ...this.#common(id, name, daemon),
      ...this.#signatures.ofHub(name),
      subnet: name,
      tenant: subnet.tenant,
      streams: this.#meshFile.streams,
      flood: this.#meshFile.flood,
      ...(this.#meshFile.alerts === undefined ? {} : { alerts: this.#meshFile.alerts }),
      registryCache: registryCachePath(this.#stateDir, id),
      positions: positionsPath(this.#stateDir, id),
      policy: compiledPolicyText(rules),
      members: Object.fromEntries(
        [...memberKeys].map(([node, key]) => [node, hubMemberText(key, subnet, node, this.#timers)]),
      ),
      natsServer: { configFile, systemSeedFile: system.seedFile, ...server },
    });
  }

  #buildMember(subnet: Subnet, node: string): void {
    const id = nodeId({ subnet: subnet.name, node });
    const { outbox } = this.#meshFile;
    this.#addNode(id, "member", {
      role: "member",
      ...this.#common(id, subnet.name, this.#memberKey(subnet.name, node)),
      ...this.#signatures.ofMember(subnet.name),
      subnet: subnet.name,
      node,
      tenant: subnet.tenant,
      registry: this.#meshFile.registryDir,
      registryCache: registryCachePath(this.#stateDir, id),
      policy: compiledPolicyText(rulesOf(this.#rules, subnet.name, node)),
      ...limitsText(subnet, node),
      enable_metrics: this.#meshFile.enableMetrics,
      ...(outbox === false ? {} : { outbox: { dir: outboxDir(this.#stateDir, id), ...outbox } }),
      ...memberText(this.#meshFile, subnet.name, node, this.#stateDir),
    });
  }

  /** Public keys. A remote member has one after it has joined, those of a remote subnet after its hub has. */
  #memberKeysOf(subnet: Subnet): ReadonlyMap<string, string> {
    const keys = [...subnet.members.values()].map((member) => {
      const key = isRemoteMember(member)
        ? this.#keys.joined(memberKeyName(subnet.name, member.name))
        : this.#memberKey(subnet.name, member.name).publicKey;
      return [member.name, key] as const;
    });
    return new Map(keys.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
  }

  #memberKey(subnet: string, node: string): Key {
    return this.#keys.key(memberKeyName(subnet, node));
  }

  #portsOf(name: string): Ports {
    const ports = this.#ports.get(name);
    if (ports === undefined) throw new MeshError("internal", `no ports were picked for ${name}`);
    return ports;
  }

  #configFile(name: string): string {
    return join(this.#stateDir, "servers", `${name}.conf`);
  }

  #listen(name: string): ListenAddress {
    const address = this.#meshFile.hosts.get(name);
    if (address === undefined) throw new MeshError("internal", `nothing says where ${name} listens`);
    return address;
  }

  #dialHost(name: string): string {
    return this.#dialled.get(name) ?? dialHost(this.#listen(name));
  }

  #serverSettings(name: string): ServerBasics {
    const { host, allowPlain } = this.#listen(name);
    const tls = this.#certificates?.servers.get(name);
    const plain = allowPlain ?? this.#listen(ROOT_DOMAIN).allowPlain;
    return {
      host,
      storeDir: storeDir(this.#stateDir, name),
      ...(this.#meshFile.logs === "output" ? {} : { logFile: logFilePath(this.#stateDir, `nats-${name}`) }),
      durability: this.#meshFile.mesh.durability,
      ...(tls === undefined ? {} : { tls }),
      // A hub also dials its root.
      ...(plain === undefined ? {} : { allowPlain: plain }),
    };
  }

  #rootUrl(): string {
    const scheme = this.#certificates === undefined ? "nats-leaf" : "tls";
    const { leafPort = 0 } = this.#portsOf(ROOT_DOMAIN);
    return `${scheme}://${this.#dialHost(ROOT_DOMAIN)}:${leafPort}`;
  }

  /** A node's access to the server of a subnet or of the root. */
  #access(id: string, of: string, key: Key): NodeFileInput["server"] {
    const { allowPlain } = this.#listen(of);
    const tls = this.#certificates?.nodes.get(id);
    return {
      url: `${tls === undefined ? "nats" : "tls"}://${this.#dialHost(of)}:${this.#portsOf(of).port}`,
      seedFile: key.seedFile,
      ...(tls === undefined ? {} : { tls }),
      ...(allowPlain === undefined ? {} : { allowPlain }),
    };
  }

  #common(id: string, of: string, key: Key): CommonEntries {
    const { mesh, scrapes, tracing, logs } = this.#meshFile;
    return {
      mesh: mesh.name,
      server: this.#access(id, of, key),
      metrics: scrapes.get(id),
      tracing,
      runFile: runFilePath(this.#stateDir, id),
      log: { level: "info", ...(logs === "output" ? {} : { file: logFilePath(this.#stateDir, id) }) },
    };
  }

  #addServer(name: string, config: string, daemon: Key, stream: string): void {
    const configFile = this.#configFile(name);
    this.#files.set(configFile, config);
    const id = name === ROOT_DOMAIN ? ROOT_DOMAIN : nodeId({ subnet: name, node: "hub" });
    const { url, seedFile, tls } = this.#access(id, name, daemon);
    this.#servers.push({
      name: `nats-${name}`,
      of: name,
      url,
      configFile,
      seedFile,
      systemSeedFile: this.#keys.key(`${name}/system`).seedFile,
      ...(tls === undefined ? {} : { tls }),
      stream,
    });
  }

  #addNode(id: string, role: NodeLayout["role"], content: NodeFileInput): void {
    const nodeFile = nodeFilePath(this.#stateDir, id);
    this.#files.set(nodeFile, nodeFileText(id, content));
    this.#nodes.push({ id, role, nodeFile });
  }
}
