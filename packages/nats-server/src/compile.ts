import {
  bridgePrefix,
  type Durability,
  durableRequestSubject,
  eventsStream,
  inboxPrefix,
  type Policy,
  patternToFilter,
  ROOT_DOMAIN,
  UPLINK_DURABLE,
} from "@adaos/core";
import { type ConfBlock, type ConfValue, renderConf } from "./conf.ts";

/** One limit on every server of a mesh: an event larger than the root's would loop a leaf link and block all behind it. */
const MAX_PAYLOAD_BYTES = 1_048_576;

const MAX_LOG_BYTES = 10_485_760;

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
}

export interface RootServerSettings extends ServerSettings {
  /** Where hubs dial in. */
  readonly leafPort: number;
  /** Public nkey of the root daemon. */
  readonly rootKey: string;
  /** Public nkey of each subnet's leaf connection. */
  readonly leafKeys: ReadonlyMap<string, string>;
}

export interface HubServerSettings extends ServerSettings {
  readonly subnet: string;
  /** `nats-leaf://host:port` of the root. */
  readonly rootUrl: string;
  /** File that holds `nkey: "<seed of the subnet's leaf key>"`, relative to this config: secrets stay out of it. */
  readonly leafSeedInclude: string;
  /** Public nkey of the hub daemon. */
  readonly hubKey: string;
  /** Public nkey of each member. */
  readonly memberKeys: ReadonlyMap<string, string>;
  readonly policy: Policy;
  /** Consumers by member: what each may pull from. */
  readonly consumers: ReadonlyMap<string, readonly string[]>;
}

/**
 * Config of the root's server: one account for each subnet's leaf, which can be asked and cannot ask, and the
 * account MESH for the root daemon, which reaches the four bridge services of every hub and nothing else.
 */
export function compileRootServer(settings: RootServerSettings, header: readonly string[] = []): string {
  const accounts: Record<string, ConfValue> = { SYS: systemAccount(settings) };
  const imports: ConfValue[] = [];
  for (const [subnet, key] of settings.leafKeys) {
    const account = `LEAF_${subnet}`;
    const services = [`${bridgePrefix(subnet)}.>`, ...ackSubjects(subnet)];
    accounts[account] = {
      users: [{ nkey: key, allowed_connection_types: ["LEAFNODE"] }],
      exports: services.map((service) => ({ service, response_type: "stream", accounts: ["MESH"] })),
    };
    imports.push(...services.map((subject) => ({ service: { account, subject } })));
  }
  accounts["MESH"] = {
    jetstream: "enabled",
    users: [{ nkey: settings.rootKey, allowed_connection_types: ["STANDARD"] }],
    imports,
  };
  return renderConf(
    {
      ...common("root", settings),
      jetstream: jetstream(ROOT_DOMAIN, settings),
      leafnodes: { host: settings.host, port: settings.leafPort },
      system_account: "SYS",
      accounts,
    },
    header,
  );
}

/**
 * Config of a hub's server: account SUBNET with the streams, the hub daemon and a user per member; account BRIDGE,
 * bound to the leaf connection, into which SUBNET exports four services and nothing else.
 */
export function compileHubServer(settings: HubServerSettings, header: readonly string[] = []): string {
  const { subnet } = settings;
  const pull = `$JS.API.CONSUMER.MSG.NEXT.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const info = `$JS.API.CONSUMER.INFO.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const acks = ackSubjects(subnet);
  const accounts = ["BRIDGE"];
  const prefix = bridgePrefix(subnet);
  const members = [...settings.memberKeys].map(([node, key]) => memberUser(settings, node, key));
  return renderConf(
    {
      ...common(`hub-${subnet}`, settings),
      jetstream: jetstream(subnet, settings),
      leafnodes: {
        reconnect: "1s",
        remotes: [{ urls: [settings.rootUrl], account: "BRIDGE", include: settings.leafSeedInclude }],
      },
      system_account: "SYS",
      accounts: {
        SYS: systemAccount(settings),
        SUBNET: {
          jetstream: "enabled",
          users: [{ nkey: settings.hubKey, allowed_connection_types: ["STANDARD"] }, ...members],
          mappings: { "ingest.>": "evt.>" },
          exports: [
            { service: pull, response_type: "stream", accounts },
            { service: info, accounts },
            ...acks.map((service) => ({ service, accounts })),
            { service: "ingest.>", accounts },
          ],
        },
        BRIDGE: {
          imports: [
            { service: { account: "SUBNET", subject: pull }, to: pull.replace("$JS.API", prefix) },
            { service: { account: "SUBNET", subject: info }, to: info.replace("$JS.API", prefix) },
            ...acks.map((subject) => ({ service: { account: "SUBNET", subject } })),
            { service: { account: "SUBNET", subject: "ingest.>" }, to: `${prefix}.in.>` },
          ],
        },
      },
    },
    header,
  );
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
    `$JS.ACK.${stream}.${consumer}.>`,
    `$JS.ACK.*.*.${stream}.${consumer}.>`,
  ]);
  return {
    nkey,
    allowed_connection_types: ["STANDARD"],
    permissions: {
      publish: { allow: [...publish, ...pull, durableRequestSubject(node)] },
      subscribe: { allow: [`${inboxPrefix(node)}.>`] },
    },
  };
}

/** Both forms of the acknowledgement subject: today's, and the one with domain and account of nats-server 2.16. */
function ackSubjects(subnet: string): string[] {
  const stream = eventsStream(subnet);
  return [`$JS.ACK.${stream}.${UPLINK_DURABLE}.>`, `$JS.ACK.*.*.${stream}.${UPLINK_DURABLE}.>`];
}

function common(name: string, { host, port, monitorPort, logFile }: ServerSettings): ConfBlock {
  return {
    server_name: name,
    host,
    port,
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
