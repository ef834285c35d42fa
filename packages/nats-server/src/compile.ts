import {
  bridgePrefix,
  DEAD_LETTER_ROOT,
  DONE_ROOT,
  type Durability,
  doneStream,
  EVENT_ROOT,
  eventsStream,
  HUB_SERVICES,
  hubServiceSubject,
  inboxPrefix,
  ingestPrefix,
  joiningUser,
  joinSubject,
  linkUser,
  METRICS_ROOT,
  type Policy,
  PROCESSING_ROOT,
  parkedFilter,
  patternTail,
  patternToFilter,
  processingStream,
  REGISTRY_OFFER,
  REPLIED_ROOT,
  REPLY_ROOT,
  ROOT_DOMAIN,
  registryOfferSubject,
  replyIngestPrefix,
  UPLINK_DURABLE,
} from "@adaos/core";
import { type ConfBlock, type ConfValue, renderConf } from "./conf.ts";

/** One limit on every server of a mesh: an event larger than the root's would loop a leaf link and block all behind it. */
const MAX_PAYLOAD_BYTES = 1_048_576;

const MAX_LOG_BYTES = 10_485_760;

/** Certificates of a server. A hub's server dials its root with the same ones. */
export interface ServerTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Whoever connects must show a certificate of this CA. */
  readonly verify: boolean;
}

/** What every server of a mesh needs to know of itself. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  /** Health and counters over HTTP, on loopback. */
  readonly monitorPort: number;
  readonly storeDir: string;
  /** Standard error when not given. */
  readonly logFile?: string | undefined;
  readonly durability: Durability;
  /** Public nkey of the system account's one user; it may reload the server. */
  readonly systemKey: string;
  /** Takes encrypted connections only, from clients and from hubs. */
  readonly tls?: ServerTls | undefined;
}

export interface RootServerSettings extends ServerSettings {
  /** Where hubs dial in. */
  readonly leafPort: number;
  /** Public nkey of the root daemon. */
  readonly rootKey: string;
  /** Public nkey of each subnet's leaf connection. */
  readonly leafKeys: ReadonlyMap<string, string>;
  /** Public nkey of the user with whose rights the root pulls from each subnet. */
  readonly linkKeys: ReadonlyMap<string, string>;
  /** Public nkey of each invitation that is open now. */
  readonly invitations?: ReadonlyMap<string, string>;
}

export interface HubServerSettings extends ServerSettings {
  readonly subnet: string;
  /** `nats-leaf://host:port` of the root, `tls://host:port` with TLS. */
  readonly rootUrl: string;
  /** File that holds `nkey: "<seed of the subnet's leaf key>"`, relative to this config: secrets stay out of it. */
  readonly leafSeedInclude: string;
  /** The public key of that seed. A server told to read a config that says another one dials its root anew. */
  readonly leafKey: string;
  /** Public nkey of the hub daemon. */
  readonly hubKey: string;
  /** Public nkey of each member. */
  readonly memberKeys: ReadonlyMap<string, string>;
  readonly policy: Policy;
  /** Consumers by member: what each may pull from. */
  readonly consumers: ReadonlyMap<string, readonly string[]>;
}

/**
 * Config of the root's server: one account for each subnet's leaf, which can be asked and cannot ask; the account MESH for
 * the root daemon, which reaches the bridge services of every hub and nothing else; and the account JOIN, in which the
 * holder of an invitation can ask the root daemon one thing and hear its answer. MESH has a user for each subnet as well,
 * with whose rights the root pulls there: whatever a hub sends it, that connection reaches no other subnet and no stream
 * of the root.
 */
export function compileRootServer(settings: RootServerSettings, header: readonly string[] = []): string {
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
    exports: [{ service: joinSubject("*"), accounts: ["JOIN"] }],
    imports,
  };
  accounts["JOIN"] = {
    users: [...(settings.invitations ?? [])].map(([id, key]) => joiningUserOf(id, key)),
    imports: [{ service: { account: "MESH", subject: joinSubject("*") } }],
  };
  return renderConf(
    {
      ...common("root", settings),
      jetstream: jetstream(ROOT_DOMAIN, settings),
      leafnodes: { host: settings.host, port: settings.leafPort, tls: listeningTls(settings) },
      system_account: "SYS",
      accounts,
    },
    header,
  );
}

/** What the root asks a hub. Only a request for messages may be answered more than once: the server drops what follows. */
function bridgeServices(subnet: string): ConfBlock[] {
  return [
    { service: linkSubject(subnet, "MSG.NEXT"), response_type: "stream" },
    { service: linkSubject(subnet, "INFO") },
    { service: linkSubject(subnet, "UNPIN") },
    { service: `${ingestPrefix(subnet)}.>` },
    { service: `${replyIngestPrefix(subnet)}.>` },
    { service: registryOfferSubject(subnet) },
    ...ackSubjects(subnet, UPLINK_DURABLE).map((service) => ({ service })),
  ];
}

/** Pulls from one subnet's durable and acknowledges to it, and can do nothing else, whatever it is told to. */
function linkUserOf(subnet: string, nkey: string): ConfBlock {
  const asks = (["MSG.NEXT", "INFO", "UNPIN"] as const).map((verb) => linkSubject(subnet, verb));
  return {
    nkey,
    allowed_connection_types: ["STANDARD"],
    permissions: {
      publish: { allow: [...asks, ...ackSubjects(subnet, UPLINK_DURABLE)] },
      subscribe: { allow: [`${inboxPrefix(linkUser(subnet))}.>`] },
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
      subscribe: { allow: [`${inboxPrefix(joiningUser(invitation))}.>`] },
    },
  };
}

/** The account on the root's server to which a subnet's leaf connection leads. */
export function leafAccount(subnet: string): string {
  return `LEAF_${subnet}`;
}

/**
 * Config of a hub's server: account SUBNET with the streams and the hub daemon; account MEMBERS with a user per member;
 * account BRIDGE, bound to the leaf connection. SUBNET exports a few services into the other two and nothing else, so
 * that an answer goes back into the account of who asked: nobody can name a reply subject that is stored or obeyed.
 */
export function compileHubServer(settings: HubServerSettings, header: readonly string[] = []): string {
  const { subnet } = settings;
  const pull = `$JS.API.CONSUMER.MSG.NEXT.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const info = `$JS.API.CONSUMER.INFO.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const unpin = `$JS.API.CONSUMER.UNPIN.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const acks = ackSubjects(subnet, UPLINK_DURABLE);
  const accounts = ["BRIDGE"];
  const prefix = bridgePrefix(subnet);
  const forMembers = memberServices(subnet);
  const replied = `${REPLIED_ROOT}.*.${subnet}.>`;
  return renderConf(
    {
      ...common(`hub-${subnet}`, settings),
      jetstream: jetstream(subnet, settings),
      leafnodes: {
        reconnect: "1s",
        remotes: [
          {
            urls: [settings.rootUrl],
            account: "BRIDGE",
            tls: diallingTls(settings),
            include: settings.leafSeedInclude,
          },
        ],
      },
      system_account: "SYS",
      accounts: {
        SYS: systemAccount(settings),
        SUBNET: {
          jetstream: "enabled",
          users: [{ nkey: settings.hubKey, allowed_connection_types: ["STANDARD"] }],
          mappings: { "ingest.>": `${EVENT_ROOT}.>`, "ingest-reply.>": `${REPLY_ROOT}.>` },
          exports: [
            { service: pull, response_type: "stream", accounts },
            { service: info, accounts },
            { service: unpin, accounts },
            ...acks.map((service) => ({ service, accounts })),
            { service: "ingest.>", accounts },
            { service: "ingest-reply.>", accounts },
            { service: REGISTRY_OFFER, accounts },
            { stream: replied, accounts: ["MEMBERS"] },
            ...forMembers.map((service) => ({ ...service, accounts: ["MEMBERS"] })),
          ],
        },
        MEMBERS: {
          users: [...settings.memberKeys].map(([node, key]) => memberUser(settings, node, key)),
          imports: [
            ...forMembers.map(({ service: subject }) => ({ service: { account: "SUBNET", subject } })),
            { stream: { account: "SUBNET", subject: replied } },
          ],
        },
        BRIDGE: {
          imports: [
            { service: { account: "SUBNET", subject: pull }, to: pull.replace("$JS.API", prefix) },
            { service: { account: "SUBNET", subject: info }, to: info.replace("$JS.API", prefix) },
            { service: { account: "SUBNET", subject: unpin }, to: unpin.replace("$JS.API", prefix) },
            ...acks.map((subject) => ({ service: { account: "SUBNET", subject } })),
            { service: { account: "SUBNET", subject: "ingest.>" }, to: `${ingestPrefix(subnet)}.>` },
            {
              service: { account: "SUBNET", subject: "ingest-reply.>" },
              to: `${replyIngestPrefix(subnet)}.>`,
            },
            { service: { account: "SUBNET", subject: REGISTRY_OFFER }, to: registryOfferSubject(subnet) },
          ],
        },
      },
    },
    [...header, `leaf key ${settings.leafKey}`],
  );
}

/** What members reach of their subnet at all; the rights of each say how much of it. It never changes while they run. */
function memberServices(subnet: string): ConfBlock[] {
  const stream = eventsStream(subnet);
  return [
    // No member may ask it. Without it the server would import the whole API of JetStream, which answers for MEMBERS.
    { service: "$JS.API.INFO" },
    { service: `${EVENT_ROOT}.${subnet}.>` },
    { service: `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`, response_type: "stream" },
    { service: `$JS.API.CONSUMER.INFO.${stream}.*` },
    ...ackSubjects(subnet, "*").map((service) => ({ service })),
    { service: hubServiceSubject("*", "*") },
    { service: `${REPLY_ROOT}.*.*.*.*.${subnet}.>` },
    { service: `${DEAD_LETTER_ROOT}.${subnet}.>` },
    { service: `${PROCESSING_ROOT}.${subnet}.>` },
    { service: `$JS.API.DIRECT.GET.${processingStream(subnet)}.>` },
    { service: `${DONE_ROOT}.${subnet}.>` },
    { service: `${METRICS_ROOT}.${subnet}.>` },
    // Which stream each may ask is said by its rights.
    { service: "$JS.API.DIRECT.GET.*" },
  ];
}

/** What a member may do on its hub's server: literal names only, since wildcards match whole tokens. */
function memberUser(settings: HubServerSettings, node: string, nkey: string): ConfBlock {
  const { subnet, policy } = settings;
  const stream = eventsStream(subnet);
  const publish = policy
    .patternsFor({ verb: "publish", subnet, node })
    .map((pattern) => patternToFilter(pattern, { subnet, node }));
  const pull = (settings.consumers.get(node) ?? []).flatMap((consumer) => [
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    ...ackSubjects(subnet, consumer),
  ]);
  // Who may take a command may answer it. To whom is not limited: who never asked takes no reply.
  const replies = policy
    .patternsFor({ verb: "subscribe", subnet, node })
    .map((pattern) => `${REPLY_ROOT}.*.*.*.*.${subnet}.${node}.${patternTail(pattern)}`);
  const services = HUB_SERVICES.map((service) => hubServiceSubject(node, service));
  const records = `${PROCESSING_ROOT}.${subnet}.${node}.>`;
  const journal = [
    `${DEAD_LETTER_ROOT}.${subnet}.${node}.*.*`,
    parkedFilter({ subnet, node, durable: "*" }),
    records,
    `$JS.API.DIRECT.GET.${processingStream(subnet)}.${records}`,
    `${METRICS_ROOT}.${subnet}.${node}.*.*`,
    `${DONE_ROOT}.${subnet}.${node}.*.*`,
    `$JS.API.DIRECT.GET.${doneStream({ subnet, node })}`,
  ];
  return {
    nkey,
    allowed_connection_types: ["STANDARD"],
    permissions: {
      publish: { allow: [...publish, ...replies, ...pull, ...services, ...journal] },
      subscribe: { allow: [`${inboxPrefix(node)}.>`, `${REPLIED_ROOT}.*.${subnet}.${node}.>`] },
    },
  };
}

/**
 * Both forms of a consumer's acknowledgement subject: today's, and the one with domain and account of nats-server 2.16.
 * The domain is named: a wildcard there would also match the first form of every other stream and consumer.
 */
function ackSubjects(subnet: string, consumer: string): string[] {
  const stream = eventsStream(subnet);
  return [`$JS.ACK.${stream}.${consumer}.>`, `$JS.ACK.${subnet}.*.${stream}.${consumer}.>`];
}

/** Certificates for who connects here. The CA is named only where it is asked for: a server reads no more than it needs. */
function listeningTls({ tls }: ServerSettings): ConfBlock | undefined {
  if (tls === undefined) return undefined;
  const own = { cert_file: tls.certFile, key_file: tls.keyFile };
  return tls.verify ? { ...own, ca_file: tls.caFile, verify: true } : own;
}

/** Whom a hub's server trusts as its root and, where the root asks for it, its own certificate. */
function diallingTls({ tls }: ServerSettings): ConfBlock | undefined {
  if (tls === undefined) return undefined;
  const trusted = { ca_file: tls.caFile };
  return tls.verify ? { ...trusted, cert_file: tls.certFile, key_file: tls.keyFile } : trusted;
}

function common(name: string, settings: ServerSettings): ConfBlock {
  const { host, port, monitorPort, logFile } = settings;
  return {
    server_name: name,
    host,
    port,
    tls: listeningTls(settings),
    http: `127.0.0.1:${monitorPort}`,
    ...(logFile === undefined ? {} : { log_file: logFile, log_size_limit: MAX_LOG_BYTES, log_max_num: 2 }),
    max_payload: MAX_PAYLOAD_BYTES,
    // A half-open leaf is noticed after 13 s instead of 6 minutes.
    ping_interval: "5s",
    ping_max: 2,
  };
}

function jetstream(domain: string, { storeDir, durability }: ServerSettings): ConfBlock {
  return { store_dir: storeDir, domain, sync_interval: durability === "synced" ? "always" : "2m" };
}

function systemAccount({ systemKey }: ServerSettings): ConfBlock {
  return { users: [{ nkey: systemKey }] };
}
