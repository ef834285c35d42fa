import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import {
  type CertificateFiles,
  type ClientTls,
  hubNodeIds,
  type ListenAddress,
  type MeshFile,
  nodeId,
  rootNodeIds,
  type ServerTls,
} from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { isLocalServer, isRemoteMember } from "../remote.ts";
import { namesHost, readCertificate } from "./certificate-files.ts";
import { DevelopmentCa } from "./development-ca.ts";

export const ANY_HOST = "0.0.0.0";
const THIS_MACHINE = "127.0.0.1";

/** Certificates of the servers and nodes of a mesh. */
export interface MeshCertificates {
  /** By subnet; the root's under {@link ROOT_DOMAIN}. */
  readonly servers: ReadonlyMap<string, ServerTls>;
  /** By node: `root`, `alpha/hub`, `alpha/kitchen`. */
  readonly nodes: ReadonlyMap<string, ClientTls>;
}

/** Source of certificates. */
interface CertificateSource {
  readonly caFile: string;
  server(name: string): Promise<CertificateFiles>;
  node(id: string, of: string): Promise<CertificateFiles>;
}

/** The address by which the nodes of this mesh file dial a server. */
export function dialHost({ host, dial }: ListenAddress): string {
  return dial ?? (host === ANY_HOST ? THIS_MACHINE : host);
}

/**
 * The certificates of a mesh. Those of a development CA are made when they are missing or about to expire. Undefined
 * when the mesh file has no `tls`. Rejects with `invalid-config` for unusable files.
 */
export async function prepareCertificates(
  meshFile: MeshFile,
  stateDir: string,
): Promise<MeshCertificates | undefined> {
  const { mesh, tls, hosts, rootDaemons } = meshFile;
  if (tls === undefined) return undefined;
  const { verify } = tls;
  const addressOf = (name: string): ListenAddress => hosts.get(name) ?? { host: THIS_MACHINE };
  const source = tls.development ? await developmentSource(stateDir, addressOf) : fileSource(tls, addressOf);
  const { caFile } = source;
  const servers = new Map<string, ServerTls>();
  for (const name of hosts.keys()) {
    if (!isLocalServer(meshFile, name)) continue;
    servers.set(name, { caFile, ...(await source.server(name)), verify });
  }
  const nodes = new Map<string, ClientTls>();
  const add = async (id: string, of: string): Promise<void> => {
    nodes.set(id, verify ? { caFile, ...(await source.node(id, of)) } : { caFile });
  };
  for (const id of rootNodeIds(rootDaemons)) await add(id, ROOT_DOMAIN);
  for (const { name: subnet, members } of mesh.subnets.values()) {
    if (!isLocalServer(meshFile, subnet)) continue;
    const local = [...members.values()].filter((member) => !isRemoteMember(member)).map(({ name }) => name);
    for (const id of hubNodeIds(subnet, meshFile.serversOf(subnet).length)) await add(id, subnet);
    for (const node of local) await add(nodeId({ subnet, node }), subnet);
  }
  return { servers, nodes };
}

/** The names in the certificate of a server with this address. */
export function serverNames({ host, dial }: ListenAddress): string[] {
  return [...new Set(["localhost", THIS_MACHINE, host, ...(dial === undefined ? [] : [dial])])];
}

async function developmentSource(
  stateDir: string,
  addressOf: (name: string) => ListenAddress,
): Promise<CertificateSource> {
  const ca = await DevelopmentCa.open(stateDir);
  return {
    caFile: ca.certFile,
    server: (name) => {
      const { host, dial } = addressOf(name);
      const own = host === ANY_HOST ? (dial ?? hostname()) : host;
      return ca.certificate(`servers/${name}`, serverNames({ host: own, dial }));
    },
    node: (id) => ca.certificate(`nodes/${id}`),
  };
}

function fileSource(
  {
    caFile,
    certificates,
  }: { readonly caFile: string; readonly certificates: ReadonlyMap<string, CertificateFiles> },
  addressOf: (name: string) => ListenAddress,
): CertificateSource {
  assertCa(caFile);
  const filesOf = (name: string): CertificateFiles => {
    const files = certificates.get(name);
    if (files === undefined) throw new MeshError("internal", `no certificate is named for ${name}`);
    return files;
  };
  return {
    caFile,
    server: async (name) => {
      const files = filesOf(name);
      assertServes(readCertificate(files), files.certFile, dialHost(addressOf(name)));
      return files;
    },
    node: async (_, of) => filesOf(of),
  };
}

/** Otherwise every node would refuse such a server, again and again. */
function assertServes(certificate: X509Certificate, file: string, host: string): void {
  if (!namesHost(certificate, host)) {
    const names = certificate.subjectAltName ?? "nothing";
    throw new MeshError("invalid-config", `${file} is for ${names}, and the server is dialled as ${host}`);
  }
  if (Date.parse(certificate.validTo) > Date.now()) return;
  throw new MeshError("invalid-config", `${file} ended on ${certificate.validTo}; renew it`);
}

function assertCa(file: string): void {
  try {
    new X509Certificate(readFileSync(file));
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${file} is not the certificate of a CA`);
  }
}
