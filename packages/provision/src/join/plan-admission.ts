import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ClientTls,
  declaredTimers,
  isLoopback,
  type MeshFile,
  nodeId,
  type ServerTls,
} from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import type { LoadedPolicy } from "@adaos/policy";
import { DevelopmentCa } from "../certificates/development-ca.ts";
import { ANY_HOST, type MeshCertificates, serverNames } from "../certificates/mesh-certificates.ts";
import { type Key, KeyRing, type Keys, type LeafKey, leafKeyName, signatureKeyPath } from "../keys/keys.ts";
import { readLayout } from "../layout.ts";
import { MeshPlanner } from "../mesh-planner.ts";
import { type Invited, invitedProblem } from "../remote.ts";
import { joinedCertificateFiles } from "./joined-files.ts";
import type { Admission, JoinRequest, Offer, SignatureKeyText } from "./protocol.ts";

/** The node of an invitation. Throws `usage` when the mesh file no longer has it. */
export function offerOf({ meshFile }: LoadedPolicy, { subnet: name, member }: Invited): Offer {
  const { mesh, tls, ports } = meshFile;
  const problem = invitedProblem(meshFile, { subnet: name, member });
  if (problem !== undefined) throw new MeshError("usage", problem);
  const { port } = ports.get(name) ?? {};
  return {
    mesh: mesh.name,
    subnet: name,
    ...(member === undefined ? {} : { member }),
    members: member === undefined ? [...(mesh.subnets.get(name)?.members.keys() ?? [])] : [],
    tls: tls === undefined ? "none" : tls.development ? "development" : "own",
    verify: tls?.verify === true,
    ports: port === undefined ? {} : { port },
  };
}

/** The files of the joining machine, with its certificates. Rejects with `usage`. */
export async function planAdmission(
  loaded: LoadedPolicy,
  invited: Invited,
  request: JoinRequest,
  stateDir: string,
): Promise<Admission> {
  offerOf(loaded, invited);
  const { meshFile, rules } = loaded;
  const layout = readLayout(stateDir);
  const { subnet, member } = invited;
  const asked = new Map(member === undefined ? [[subnet, request.ports]] : []);
  const names = [...meshFile.serversOf(ROOT_DOMAIN), ...meshFile.serversOf(subnet)];
  const ports = names.map((name) => {
    const own = asked.get(name) ?? layout.ports[name];
    if (own === undefined) throw new MeshError("internal", `${name} has no ports`);
    return [name, own] as const;
  });
  const issued = await certificatesFor(meshFile, invited, request, stateDir);
  const dialled = rootHosts(meshFile, request.rootHost);
  if (member !== undefined)
    for (const name of meshFile.serversOf(subnet))
      dialled.set(name, hubHost(meshFile, name, request.rootHost));
  const keys = new GivenKeys(request);
  const workshop = new MeshPlanner(
    {
      meshFile: { ...meshFile, registryDir: request.registryDir },
      rules,
      timers: declaredTimers(meshFile, loaded.registry),
      stateDir: request.stateDir,
      ports: new Map(ports),
      certificates: issued?.certificates,
      keys,
      invitations: new Map(),
      dialled,
    },
    () => new Map(),
  );
  const plan = workshop.planRemote(invited, request.rootHost);
  return {
    layout: plan.layout as unknown as Admission["layout"],
    files: [...plan.files],
    signatureKeys: keys.signatureKeysOf(stateDir),
    ...(issued?.ca === undefined ? {} : { ca: issued.ca }),
    ...(issued?.certificate === undefined ? {} : { certificate: issued.certificate }),
  };
}

/** The received public keys, and the paths of their seeds on the joining machine. */
class GivenKeys implements Keys {
  readonly #request: JoinRequest;
  /** The requested signature keys. */
  readonly #needed = new Map<string, { readonly subnet: string; readonly id: string }>();

  constructor(request: JoinRequest) {
    this.#request = request;
  }

  key(name: string): Key {
    const publicKey = this.#request.keys[name];
    if (publicKey === undefined) throw new MeshError("usage", `the request has no key ${name}`);
    return { publicKey, seedFile: this.#fileOf(`${name}.nk`) };
  }

  leafKey(subnet: string): LeafKey {
    return { ...this.key(leafKeyName(subnet)), includeFile: this.#fileOf(join(subnet, "leaf.conf")) };
  }

  routesFile(): string {
    throw new MeshError("internal", "no server of a cluster joins");
  }

  signatureKeyFile(subnet: string, id: string): string {
    const file = this.#fileOf(signatureKeyPath(subnet, id));
    this.#needed.set(file, { subnet, id });
    return file;
  }

  joined(): undefined {
    return undefined;
  }

  /** The requested keys, from a state folder of this machine. */
  signatureKeysOf(stateDir: string): SignatureKeyText[] {
    const ring = new KeyRing(stateDir);
    return [...this.#needed.values()].map(({ subnet, id }) => {
      return { subnet, id, text: readFileSync(ring.signatureKeyFile(subnet, id), "utf8") };
    });
  }

  #fileOf(path: string): string {
    return join(this.#request.stateDir, "keys", path);
  }
}

interface Issued {
  readonly certificates: MeshCertificates;
  /** PEM, of the development CA. */
  readonly ca?: string;
  readonly certificate?: string;
}

async function certificatesFor(
  { mesh, tls, hosts }: MeshFile,
  { subnet, member }: Invited,
  { stateDir: there, certificates: own, certificateKey }: JoinRequest,
  stateDir: string,
): Promise<Issued | undefined> {
  if (tls === undefined) return undefined;
  const { verify } = tls;
  const files = tls.development ? joinedCertificateFiles(there, subnet) : own;
  if (files === undefined)
    throw new MeshError("usage", "this mesh has its own certificates; name --ca, --cert and --key");
  const { caFile, certFile, keyFile } = files;
  const shown = certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined;
  const nodeTls: ClientTls = { caFile, ...(verify ? shown : {}) };
  const names =
    member === undefined ? ["hub", ...(mesh.subnets.get(subnet)?.members.keys() ?? [])] : [member];
  const nodes = new Map(names.map((node) => [nodeId({ subnet, node }), nodeTls]));
  const servers = new Map<string, ServerTls>();
  if (shown !== undefined) servers.set(subnet, { caFile, ...shown, verify });
  if (member === undefined && shown === undefined)
    throw new MeshError("usage", "a hub needs --cert and --key");
  const certificates = { servers, nodes };
  if (!tls.development) return { certificates };
  const ca = await DevelopmentCa.open(stateDir);
  const text = readFileSync(ca.certFile, "utf8");
  if (member !== undefined) return { certificates, ca: text };
  if (certificateKey === undefined)
    throw new MeshError("usage", "the request has no key for its certificate");
  const serverHosts = serverNames(hosts.get(subnet) ?? { host: "localhost" });
  return { certificates, ca: text, certificate: await ca.certify(subnet, certificateKey, serverHosts) };
}

/** The hosts by which another machine dials the root's servers. Those with an address of their own keep it. */
function rootHosts({ hosts, serversOf }: MeshFile, rootHost: string): Map<string, string> {
  const shared = hosts.get(ROOT_DOMAIN)?.host;
  return new Map(
    serversOf(ROOT_DOMAIN).map((name) => {
      const host = hosts.get(name)?.host ?? ANY_HOST;
      const isOwn = host !== ANY_HOST && host !== shared && !isLoopback(host);
      return [name, isOwn ? host : rootHost];
    }),
  );
}

/** The host by which another machine dials a hub of the root's machine. */
function hubHost({ hosts }: MeshFile, name: string, rootHost: string): string {
  const { host, dial } = hosts.get(name) ?? { host: "" };
  if (dial !== undefined) return dial;
  if (host === ANY_HOST || (isLoopback(host) && isLoopback(rootHost))) return rootHost;
  if (!isLoopback(host)) return host;
  throw new MeshError(
    "usage",
    `the hub server ${name} listens on ${host} only; set the host of its subnet in the mesh file`,
  );
}
