import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import {
  layoutFile,
  logFilePath,
  type MeshFile,
  type NodeFileInput,
  nodeFilePath,
  nodeId,
  outboxDir,
  rootNodeIds,
  runFilePath,
} from "@adaos/config";
import {
  type EventPattern,
  eventsStream,
  MESH_STREAM,
  MeshError,
  memberRules,
  Policy,
  ROOT_DOMAIN,
  type Subnet,
} from "@adaos/core";
import { compileHubServer, compileRootServer } from "@adaos/nats-server";
import { type Key, KeyRing } from "./keys.ts";
import { findLayout, type Layout, type NodeLayout, type ServerLayout } from "./layout.ts";
import { PortPicker } from "./ports.ts";

const HOST = "127.0.0.1";

interface Ports {
  readonly port: number;
  readonly monitorPort: number;
  readonly leafPort?: number;
}

/**
 * Writes everything a mesh on this machine is started from: keys, server configs, node files and the layout. What an
 * earlier run left (keys, ports, stores) is kept. Rejects with `invalid-config` or `unavailable`.
 */
export async function provision(meshFile: MeshFile, stateDir: string): Promise<Layout> {
  const last = findLayout(stateDir);
  if (last !== undefined && last.mesh !== meshFile.mesh.name) {
    const what = `${stateDir} holds the mesh ${last.mesh}, not ${meshFile.mesh.name}`;
    throw new MeshError("invalid-config", `${what}; name another folder with --state`);
  }
  const ports = await pickPorts(meshFile, last);
  // Files of nodes that the mesh no longer has must not be left to connect with.
  rmSync(join(stateDir, "nodes"), { recursive: true, force: true });
  const workshop = new Workshop(meshFile, stateDir, ports);
  const layout = workshop.build();
  writeWhole(layoutFile(stateDir), `${JSON.stringify(layout, undefined, 2)}\n`);
  return layout;
}

async function pickPorts(meshFile: MeshFile, last: Layout | undefined): Promise<ReadonlyMap<string, Ports>> {
  const picker = new PortPicker();
  // Fixed ports first, so that no free one takes them away.
  for (const { port, monitorPort, leafPort } of meshFile.ports.values()) {
    for (const given of [port, monitorPort, leafPort]) {
      if (given !== undefined) await picker.pick(given, undefined);
    }
  }
  const ports = new Map<string, Ports>();
  for (const [name, { port, monitorPort, leafPort }] of meshFile.ports) {
    const before = last?.ports[name];
    const picked = {
      port: port ?? (await picker.pick(undefined, before?.port)),
      monitorPort: monitorPort ?? (await picker.pick(undefined, before?.monitorPort)),
    };
    const leaf =
      name === ROOT_DOMAIN ? (leafPort ?? (await picker.pick(undefined, before?.leafPort))) : undefined;
    ports.set(name, leaf === undefined ? picked : { ...picked, leafPort: leaf });
  }
  return ports;
}

/** Builds the files of one mesh. */
class Workshop {
  readonly #meshFile: MeshFile;
  readonly #stateDir: string;
  readonly #ports: ReadonlyMap<string, Ports>;
  readonly #keys: KeyRing;
  readonly #servers: ServerLayout[] = [];
  readonly #nodes: NodeLayout[] = [];

  constructor(meshFile: MeshFile, stateDir: string, ports: ReadonlyMap<string, Ports>) {
    this.#meshFile = meshFile;
    this.#stateDir = stateDir;
    this.#ports = ports;
    this.#keys = new KeyRing(stateDir);
  }

  build(): Layout {
    const { mesh, file, registryDir } = this.#meshFile;
    const leafKeys = new Map([...mesh.subnets.keys()].map((subnet) => [subnet, this.#keys.leafKey(subnet)]));
    this.#buildRoot(new Map([...leafKeys].map(([subnet, key]) => [subnet, key.publicKey])));
    for (const subnet of mesh.subnets.values()) {
      const includeFile = leafKeys.get(subnet.name)?.includeFile ?? "";
      this.#buildHub(subnet, includeFile);
      for (const name of subnet.members.keys()) this.#buildMember(subnet, name);
    }
    return {
      mesh: mesh.name,
      configFile: file,
      registryDir,
      ports: Object.fromEntries(this.#ports),
      servers: this.#servers,
      nodes: this.#nodes,
    };
  }

  #buildRoot(leafKeys: ReadonlyMap<string, string>): void {
    const { mesh, streams } = this.#meshFile;
    const daemon = this.#keys.key("root/daemon");
    const { port, monitorPort, leafPort = 0 } = this.#portsOf(ROOT_DOMAIN);
    const config = compileRootServer({
      ...this.#serverSettings(ROOT_DOMAIN),
      port,
      monitorPort,
      leafPort,
      systemKey: this.#keys.key("root/system").publicKey,
      rootKey: daemon.publicKey,
      leafKeys,
    });
    const url = this.#addServer(ROOT_DOMAIN, config, daemon, MESH_STREAM);
    const subnets = [...mesh.subnets.values()].map((subnet) => [subnet.name, this.#subnetRules(subnet)]);
    for (const id of rootNodeIds(this.#meshFile.rootDaemons)) {
      this.#addNode(id, "root", {
        role: "root",
        ...this.#common(id, url, daemon),
        node: id,
        streams,
        subnets: Object.fromEntries(subnets),
      });
    }
  }

  #buildHub(subnet: Subnet, leafInclude: string): void {
    const { name } = subnet;
    const daemon = this.#keys.key(`${name}/hub`);
    const system = this.#keys.key(`${name}/system`);
    const members = [...subnet.members.keys()].map((node) => [node, this.#memberKey(name, node)] as const);
    const configFile = this.#configFile(name);
    const server = {
      ...this.#serverSettings(name),
      ...this.#portsOf(name),
      systemKey: system.publicKey,
      hubKey: daemon.publicKey,
      rootUrl: `nats-leaf://${HOST}:${this.#portsOf(ROOT_DOMAIN).leafPort}`,
      // Servers read an include seen from the file that names it.
      leafSeedInclude: relative(dirname(configFile), leafInclude),
    };
    const policy = new Policy(memberRules(subnet));
    const memberKeys = new Map(members.map(([node, key]) => [node, key.publicKey]));
    const config = compileHubServer({ ...server, subnet: name, policy, memberKeys, consumers: new Map() });
    const url = this.#addServer(name, config, daemon, eventsStream(name));
    const id = nodeId({ subnet: name, node: "hub" });
    this.#addNode(id, "hub", {
      role: "hub",
      ...this.#common(id, url, daemon),
      subnet: name,
      streams: this.#meshFile.streams,
      ...this.#subnetRules(subnet),
      members: Object.fromEntries(
        members.map(([node, key]) => [node, { key: key.publicKey, ...memberRulesText(subnet, node) }]),
      ),
      natsServer: { configFile, systemSeedFile: system.seedFile, ...server },
    });
  }

  #buildMember(subnet: Subnet, node: string): void {
    const id = nodeId({ subnet: subnet.name, node });
    const { port } = this.#portsOf(subnet.name);
    const { outbox } = this.#meshFile;
    this.#addNode(id, "member", {
      role: "member",
      ...this.#common(id, `nats://${HOST}:${port}`, this.#memberKey(subnet.name, node)),
      subnet: subnet.name,
      node,
      registry: this.#meshFile.registryDir,
      ...memberRulesText(subnet, node),
      enable_metrics: this.#meshFile.enableMetrics,
      ...(outbox === false ? {} : { outbox: { dir: outboxDir(this.#stateDir, id), ...outbox } }),
    });
  }

  #memberKey(subnet: string, node: string): Key {
    return this.#keys.key(`${subnet}/members/${node}`);
  }

  #portsOf(name: string): Ports {
    const ports = this.#ports.get(name);
    if (ports === undefined) throw new MeshError("internal", `no ports were picked for ${name}`);
    return ports;
  }

  #configFile(name: string): string {
    return join(this.#stateDir, "servers", `${name}.conf`);
  }

  #serverSettings(name: string): {
    host: string;
    storeDir: string;
    logFile: string;
    durability: "synced" | "relaxed";
  } {
    return {
      host: HOST,
      storeDir: join(this.#stateDir, "store", name),
      logFile: logFilePath(this.#stateDir, `nats-${name}`),
      durability: this.#meshFile.mesh.durability,
    };
  }

  #common(id: string, url: string, key: Key): Pick<NodeFileInput, "mesh" | "server" | "runFile" | "log"> {
    return {
      mesh: this.#meshFile.mesh.name,
      server: { url, seedFile: key.seedFile },
      runFile: runFilePath(this.#stateDir, id),
      log: { level: "info", file: logFilePath(this.#stateDir, id) },
    };
  }

  #subnetRules(subnet: Subnet): { export: string[]; import: string[] } {
    return { export: textOf(subnet.exports), import: textOf(subnet.imports) };
  }

  #addServer(name: string, config: string, daemon: Key, stream: string): string {
    const configFile = this.#configFile(name);
    // Server configs hold public keys only, but they tell who may do what.
    mkdirSync(dirname(logFilePath(this.#stateDir, name)), { recursive: true });
    writeWhole(configFile, config);
    const { port, monitorPort } = this.#portsOf(name);
    const url = `nats://${HOST}:${port}`;
    this.#servers.push({
      name: `nats-${name}`,
      of: name,
      url,
      monitorUrl: `http://${HOST}:${monitorPort}`,
      configFile,
      seedFile: daemon.seedFile,
      stream,
    });
    return url;
  }

  #addNode(id: string, role: NodeLayout["role"], content: NodeFileInput): void {
    const nodeFile = nodeFilePath(this.#stateDir, id);
    writeWhole(nodeFile, `${JSON.stringify(content, undefined, 2)}\n`);
    this.#nodes.push({ id, role, nodeFile });
  }
}

function memberRulesText(subnet: Subnet, node: string): { publish: string[]; subscribe: string[] } {
  const member = subnet.members.get(node);
  return { publish: textOf(member?.publish ?? []), subscribe: textOf(member?.subscribe ?? []) };
}

function textOf(patterns: readonly EventPattern[]): string[] {
  return patterns.map(({ text }) => text);
}

/** Writes a file as a whole: a reader sees the old one or the new one. Only its owner may read it. */
function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
