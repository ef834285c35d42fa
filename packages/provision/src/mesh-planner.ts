import { dirname, relative } from "node:path";
import {
  compiledPolicyText,
  hubNodeIds,
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
  type TimersByMember,
} from "@adaos/config";
import { MeshError, Policy, type PolicyRule } from "@adaos/core";
import type { Subnet } from "@adaos/core/wire";
import { ROOT_DOMAIN, rulesBySubnet, rulesOf } from "@adaos/core/wire";
import { compileHubServer, compileRootServer, linkKeys, type RootServerSettings } from "@adaos/nats-server";
import { type Key, type Keys, leafKeyName, memberKeyName } from "./keys/keys.ts";
import { NodeSignatures } from "./keys/node-signatures.ts";
import type { Layout, NodeLayout, ServerLayout } from "./layout.ts";
import { hubMemberText, limitsText, memberText, nodeFileText } from "./node-file-text.ts";
import type { Grants, HubFiles, Plan } from "./plan.ts";
import { regionKeys, regionsText } from "./plan-regions.ts";
import { type Ports, type ServerMaterial, ServerPlan } from "./plan-servers.ts";
import { type Invited, isRemote, isRemoteMember, remoteKeyNames } from "./remote.ts";

type RootServerBasics = ReturnType<ServerPlan["settingsOf"]> &
  Pick<RootServerSettings, "port" | "leafPort" | "cluster">;

/** The input for the files of a mesh. */
interface Material extends ServerMaterial {
  readonly rules: readonly PolicyRule[];
  readonly timers: TimersByMember;
  /** Public nkeys of open invitations to join. */
  readonly invitations: ReadonlyMap<string, string>;
  /** Of the links with other regions, which only the root has. @default none */
  readonly regionRules?: readonly PolicyRule[];
}

type CommonEntries = Pick<NodeFileInput, "mesh" | "server" | "metrics" | "runFile" | "log" | "tracing">;

/** Builds the files of one mesh. Only keys are written at once, since the other files name them. */
export class MeshPlanner {
  readonly #meshFile: MeshFile;
  readonly #rules: readonly PolicyRule[];
  /** By subnet: to look for one subnet's rules in all of them costs the square of the mesh. */
  readonly #rulesIn: ReadonlyMap<string, readonly PolicyRule[]>;
  readonly #timers: TimersByMember;
  readonly #stateDir: string;
  readonly #ports: ReadonlyMap<string, Ports>;
  readonly #plan: ServerPlan;
  readonly #keys: Keys;
  readonly #signatures: NodeSignatures;
  readonly #invitations: ReadonlyMap<string, string>;
  readonly #regionRules: readonly PolicyRule[];
  readonly #servers: ServerLayout[] = [];
  readonly #nodes: NodeLayout[] = [];
  readonly #files = new Map<string, string>();
  readonly #grantsOf: (hub: HubFiles) => Grants;

  constructor(material: Material, grantsOf: (hub: HubFiles) => Grants) {
    const { meshFile, rules, timers, stateDir, ports, keys, invitations, regionRules = [] } = material;
    this.#plan = new ServerPlan(material);
    this.#grantsOf = grantsOf;
    this.#meshFile = meshFile;
    this.#rules = rules;
    this.#rulesIn = rulesBySubnet(rules);
    this.#timers = timers;
    this.#stateDir = stateDir;
    this.#ports = ports;
    this.#keys = keys;
    this.#signatures = new NodeSignatures(meshFile.mesh, rules, keys);
    this.#invitations = invitations;
    this.#regionRules = regionRules;
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
    const servers = new Map(
      this.#plan.serversOf(ROOT_DOMAIN).map((name) => [name, this.#rootServer(name)] as const),
    );
    const admitted = {
      systemKey: system.publicKey,
      rootKey: daemon.publicKey,
    };
    for (const [name, server] of servers) {
      const config = compileRootServer({
        ...server,
        ...admitted,
        leafKeys,
        linkKeys: linkKeys(readSeed(daemon.seedFile), leafKeys.keys()),
        invitations: this.#invitations,
        regionKeys: regionKeys(this.#meshFile),
      });
      this.#files.set(this.#plan.configFile(name), config);
    }
    this.#servers.push(this.#plan.layoutOf(ROOT_DOMAIN, daemon));
    const subnets = [...mesh.subnets.values()].flatMap(
      ({ name, tenant, members, clearance = [], exportLimit }) => {
        const leafKey = leafKeys.get(name);
        if (leafKey === undefined) return [];
        const limit = exportLimit === undefined ? {} : { exportLimit };
        const servers = this.#plan.serversOf(name).length;
        return [
          [
            name,
            {
              tenant,
              leafKey,
              ...(servers === 1 ? {} : { servers }),
              nodes: [...members.keys()],
              ...(clearance.length === 0 ? {} : { clearance: [...clearance] }),
              ...limit,
            },
          ] as const,
        ];
      },
    );
    const regions = regionsText(this.#meshFile, this.#keys);
    for (const id of rootNodeIds(this.#meshFile.rootDaemons)) {
      const beside = this.#plan.besideOf(id, ROOT_DOMAIN);
      this.#addNode(id, "root", {
        role: "root",
        ...this.#common(id, ROOT_DOMAIN, daemon),
        ...this.#signatures.ofRoot(),
        node: id,
        ...(servers.size === 1 ? {} : { servers: servers.size }),
        stateDir: this.#stateDir,
        streams,
        positions: positionsPath(this.#stateDir, id),
        registry: this.#meshFile.registryDir,
        ...(autoApply === false ? { autoApply } : {}),
        // Only one of several root daemons judges: each would raise the same alerts.
        ...(alerts === undefined || id !== ROOT_DOMAIN ? {} : { alerts }),
        policy: compiledPolicyText(this.#rules.filter((rule) => rule.node === undefined)),
        subnets: Object.fromEntries(subnets),
        ...(regions === undefined ? {} : { regions, regionPolicy: compiledPolicyText(this.#regionRules) }),
        natsServer: {
          configFile: this.#plan.configFile(beside),
          systemSeedFile: system.seedFile,
          ...(servers.get(beside) ?? this.#rootServer(beside)),
          ...admitted,
        },
      });
    }
  }

  /** Settings of one server of the root, without its users. */
  #rootServer(name: string): RootServerBasics {
    const { port, leafPort = 0 } = this.#plan.portsOf(name);
    const cluster = this.#plan.clusterOf(ROOT_DOMAIN, name);
    return { ...this.#plan.settingsOf(name), port, leafPort, ...cluster };
  }

  #buildHub(subnet: Subnet): void {
    const { name } = subnet;
    const daemon = this.#keys.key(`${name}/hub`);
    const servers = this.#plan.serversOf(name);
    for (const id of hubNodeIds(name, servers.length)) this.#buildHubDaemon(id, subnet, daemon);
    this.#servers.push(this.#plan.layoutOf(name, daemon));
  }

  /** One daemon of a hub, and the server beside it. */
  #buildHubDaemon(id: string, subnet: Subnet, daemon: Key): void {
    const { name } = subnet;
    const leaf = this.#keys.leafKey(name);
    const system = this.#keys.key(`${name}/system`);
    const memberKeys = this.#memberKeysOf(subnet);
    const beside = this.#plan.besideOf(id, name);
    const servers = this.#plan.serversOf(name).length;
    const configFile = this.#plan.configFile(beside);
    const { port } = this.#plan.portsOf(beside);
    const server = {
      ...this.#plan.settingsOf(beside),
      port,
      systemKey: system.publicKey,
      hubKey: daemon.publicKey,
      ...this.#plan.rootUrls(),
      // Servers read an include relative to the file that names it.
      leafSeedInclude: relative(dirname(configFile), leaf.includeFile),
      leafKey: leaf.publicKey,
      ...this.#plan.clusterOf(name, beside),
    };
    const rules = this.#rulesIn.get(name) ?? [];
    const policy = new Policy(rules);
    const consumers = this.#grantsOf({
      configFile,
      nodeFile: nodeFilePath(this.#stateDir, id),
      policy: compiledPolicyText(rules),
    });
    const config = compileHubServer({ ...server, subnet: name, policy, memberKeys, consumers });
    this.#files.set(configFile, config);
    this.#addNode(id, "hub", {
      role: "hub",
      ...this.#common(id, name, daemon),
      ...this.#signatures.ofHub(name),
      subnet: name,
      ...(servers === 1 ? {} : { node: id.slice(name.length + 1), servers }),
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
      policy: compiledPolicyText(rulesOf(this.#rulesIn.get(subnet.name) ?? [], subnet.name, node)),
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

  #common(id: string, of: string, key: Key): CommonEntries {
    const { mesh, scrapes, tracing, logs } = this.#meshFile;
    return {
      mesh: mesh.name,
      server: this.#plan.access(id, of, key),
      metrics: scrapes.get(id),
      tracing,
      runFile: runFilePath(this.#stateDir, id),
      log: { level: "info", ...(logs === "output" ? {} : { file: logFilePath(this.#stateDir, id) }) },
    };
  }

  #addNode(id: string, role: NodeLayout["role"], content: NodeFileInput): void {
    const nodeFile = nodeFilePath(this.#stateDir, id);
    this.#files.set(nodeFile, nodeFileText(id, content));
    this.#nodes.push({ id, role, nodeFile });
  }
}
