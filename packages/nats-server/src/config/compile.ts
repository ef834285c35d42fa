import {
  bridgePrefix,
  type Durability,
  eventsStream,
  fillSubject,
  inboxPrefix,
  ingestPrefix,
  joiningUser,
  joinSubject,
  linkUser,
  MAX_PAYLOAD_BYTES,
  ROOT_DOMAIN,
  refillSubject,
  registryOfferSubject,
  replyIngestPrefix,
  subjectsOf,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import { regionAccounts, regionExports } from "./compile-regions.ts";
import { type ConfBlock, type ConfValue, renderConf } from "./conf.ts";
import { sealed } from "./seal.ts";

/**
 * Limit of data in a stream's write buffer; the server refuses more, and our publishers send that again. Buffered data
 * is stored even if its sender loses its rights, and everybody's messages wait behind it.
 */
const MAX_BUFFERED_BYTES = 8_388_608;

const MAX_LOG_BYTES = 10_485_760;

/**
 * Most subnets whose leaf connections are compressed, where the line is slow. With compression, each keeps 8 MB at the
 * root's server, also where it then does not compress.
 */
const MAX_COMPRESSED_LEAVES = 16;

/** Certificates of a server. A hub's server dials its root with the same ones. */
export interface ServerTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Every client must present a certificate of this CA. */
  readonly verify: boolean;
}

/** Settings of every server of a mesh. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly storeDir: string;
  /** Standard error when absent. */
  readonly logFile?: string | undefined;
  readonly durability: Durability;
  /** Without it, streams are stored as they are. `keyInclude`: the key's file, relative to this config. */
  readonly encryption?: { readonly cipher: "chacha" | "aes"; readonly keyInclude: string } | undefined;
  /** Public nkey of the system account's one user; it may reload the server. */
  readonly systemKey: string;
  /** With it, the server accepts only encrypted connections, from clients and from hubs. */
  readonly tls?: ServerTls | undefined;
}

/** The part of one server in a root or a hub of several. */
export interface ServerCluster {
  /** Name of this server, unique in the mesh. */
  readonly name: string;
  /** Port for the other servers. */
  readonly port: number;
  /**
   * File with the addresses of all servers and the password by which they accept each other, relative to this config:
   * secrets stay out of it.
   */
  readonly routesInclude: string;
}

export interface RootServerSettings extends ServerSettings {
  /** Undefined: the root has one server. */
  readonly cluster?: ServerCluster | undefined;
  /** Port for leaf connections from hubs. */
  readonly leafPort: number;
  /** Public nkey of the root daemon. */
  readonly rootKey: string;
  /** Public nkey of each subnet's leaf connection. */
  readonly leafKeys: ReadonlyMap<string, string>;
  /** Public nkey of the user with whose rights the root pulls from each subnet. */
  readonly linkKeys: ReadonlyMap<string, string>;
  /** Public nkey of each invitation that is open now. */
  readonly invitations?: ReadonlyMap<string, string>;
  /** Public nkey of each other region that pulls from this root. @default none */
  readonly regionKeys?: ReadonlyMap<string, string> | undefined;
}

/**
 * Config of the root's server: one account for each subnet's leaf, which can be asked and cannot ask; the account MESH
 * for the root daemon, which reaches the bridge services of every hub and nothing else; and the account JOIN, in which
 * the holder of an invitation can ask the root daemon one thing and hear its answer. MESH has a user for each subnet as
 * well, with whose rights the root pulls there: whatever a hub sends it, that connection reaches no other subnet and no
 * stream of the root.
 */
export function compileRootServer(settings: RootServerSettings, header: readonly string[] = []): string {
  const { regionKeys = new Map() } = settings;
  const accounts: Record<string, ConfValue> = { SYS: systemAccount(settings) };
  const imports: ConfValue[] = [];
  for (const [subnet, key] of settings.leafKeys) {
    const account = leafAccount(subnet);
    const services = bridgeServices(subnet);
    accounts[account] = {
      users: [{ nkey: key, allowed_connection_types: ["LEAFNODE"] }],
      exports: services.map((service) => ({ ...service, accounts: ["MESH"] })),
    };
    imports.push(...services.map(({ service: subject }) => ({ service: { account, subject } })));
  }
  accounts["MESH"] = {
    jetstream: "enabled",
    users: [
      { nkey: settings.rootKey, allowed_connection_types: ["STANDARD"] },
      ...[...settings.linkKeys].map(([subnet, key]) => linkUserOf(subnet, key)),
    ],
    exports: [{ service: joinSubject("*"), accounts: ["JOIN"] }, ...regionExports(regionKeys)],
    imports,
  };
  Object.assign(accounts, regionAccounts(regionKeys));
  accounts["JOIN"] = {
    users: [...(settings.invitations ?? [])].map(([id, key]) => joiningUserOf(id, key)),
    imports: [{ service: { account: "MESH", subject: joinSubject("*") } }],
  };
  const text = renderConf(
    {
      ...common(settings.cluster?.name ?? ROOT_DOMAIN, settings),
      jetstream: jetstream(ROOT_DOMAIN, settings),
      leafnodes: {
        host: settings.host,
        port: settings.leafPort,
        ...(settings.leafKeys.size > MAX_COMPRESSED_LEAVES ? { compression: "off" } : {}),
        tls: listeningTls(settings),
        // Hubs know every server of the root, under the names that certificates have.
        ...(settings.cluster === undefined ? {} : { no_advertise: true }),
      },
      ...(settings.cluster === undefined
        ? {}
        : { cluster: clusterOf(ROOT_DOMAIN, settings.cluster, settings) }),
      system_account: "SYS",
      accounts,
    },
    header,
  );
  return sealed(text);
}

/** Between the servers of a root or a hub. With TLS each shows a certificate, and each the password in any case. */
export function clusterOf(
  name: string,
  { port, routesInclude }: ServerCluster,
  { host, tls }: ServerSettings,
): ConfBlock {
  return {
    name,
    host,
    port,
    ...(tls === undefined
      ? {}
      : { tls: { cert_file: tls.certFile, key_file: tls.keyFile, ca_file: tls.caFile, verify: true } }),
    no_advertise: true,
    // A server that hangs is noticed as soon as a hub that hangs.
    ping_interval: "5s",
    ping_max: 2,
    include: routesInclude,
  };
}

/**
 * Services of a hub for the root. Only a request for messages may have several answers: the server drops further ones.
 */
function bridgeServices(subnet: string): ConfBlock[] {
  return [
    { service: linkSubject(subnet, "MSG.NEXT"), response_type: "stream" },
    { service: linkSubject(subnet, "INFO") },
    { service: linkSubject(subnet, "UNPIN") },
    { service: subjectsOf(ingestPrefix(subnet)) },
    { service: subjectsOf(replyIngestPrefix(subnet)) },
    { service: registryOfferSubject(subnet) },
    { service: fillSubject(subnet) },
    { service: refillSubject(subnet) },
    ...ackSubjects(subnet, UPLINK_DURABLE).map((service) => ({ service })),
  ];
}

/** Rights of an uplink's user: it can only pull from one subnet's durable and acknowledge to it. */
function linkUserOf(subnet: string, nkey: string): ConfBlock {
  const asks = (["MSG.NEXT", "INFO", "UNPIN"] as const).map((verb) => linkSubject(subnet, verb));
  return {
    nkey,
    allowed_connection_types: ["STANDARD"],
    permissions: {
      publish: { allow: [...asks, ...ackSubjects(subnet, UPLINK_DURABLE)] },
      subscribe: { allow: [subjectsOf(inboxPrefix(linkUser(subnet)))] },
    },
  };
}

function linkSubject(subnet: string, verb: "MSG.NEXT" | "INFO" | "UNPIN"): string {
  return `${bridgePrefix(subnet)}.CONSUMER.${verb}.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
}

function joiningUserOf(invitation: string, nkey: string): ConfBlock {
  return {
    nkey,
    allowed_connection_types: ["STANDARD"],
    permissions: {
      publish: { allow: [joinSubject(invitation)] },
      subscribe: { allow: [subjectsOf(inboxPrefix(joiningUser(invitation)))] },
    },
  };
}

/** The account on the root's server to which a subnet's leaf connection leads. */
export function leafAccount(subnet: string): string {
  return `LEAF_${subnet}`;
}

/**
 * Both forms of a consumer's acknowledgement subject: today's, and the one with domain and account of nats-server 2.16.
 * The domain is named: a wildcard there would also match the first form of every other stream and consumer.
 */
export function ackSubjects(subnet: string, consumer: string): string[] {
  const stream = eventsStream(subnet);
  return [`$JS.ACK.${stream}.${consumer}.>`, `$JS.ACK.${subnet}.*.${stream}.${consumer}.>`];
}

/**
 * Certificates for clients. The CA is named only when clients must present a certificate: a server reads no more than
 * it needs.
 */
export function listeningTls({ tls }: ServerSettings): ConfBlock | undefined {
  if (tls === undefined) return undefined;
  const own = { cert_file: tls.certFile, key_file: tls.keyFile };
  return tls.verify ? { ...own, ca_file: tls.caFile, verify: true } : own;
}

export function common(name: string, settings: ServerSettings): ConfBlock {
  const { host, port, logFile } = settings;
  return {
    server_name: name,
    host,
    port,
    tls: listeningTls(settings),
    ...(logFile === undefined ? {} : { log_file: logFile, log_size_limit: MAX_LOG_BYTES, log_max_num: 2 }),
    // One limit on every server of a mesh: a larger message would loop on a leaf link and block all later ones.
    max_payload: MAX_PAYLOAD_BYTES,
    // A half-open leaf is noticed after 13 s instead of 6 minutes.
    ping_interval: "5s",
    ping_max: 2,
  };
}

export function jetstream(domain: string, { storeDir, durability, encryption }: ServerSettings): ConfBlock {
  return {
    store_dir: storeDir,
    domain,
    sync_interval: durability === "synced" ? "always" : "2m",
    max_buffered_size: MAX_BUFFERED_BYTES,
    ...(encryption === undefined ? {} : { cipher: encryption.cipher, include: encryption.keyInclude }),
  };
}

export function systemAccount({ systemKey }: ServerSettings): ConfBlock {
  return { users: [{ nkey: systemKey }] };
}
