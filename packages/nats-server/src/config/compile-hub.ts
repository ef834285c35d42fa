import type { Policy } from "@adaos/core";
import {
  ANSWER_ROOT,
  ASK_ROOT,
  ASKED_ROOT,
  bridgePrefix,
  DEAD_LETTER_ROOT,
  DONE_ROOT,
  deadLetterSubject,
  documentSubject,
  doneStream,
  EVENT_ROOT,
  eventsStream,
  FILL_SERVICE,
  fillSubject,
  givenAnswerFilter,
  givenReplyFilter,
  HUB_SERVICES,
  hubServiceSubject,
  inboxPrefix,
  ingestPrefix,
  METRICS_ROOT,
  markSubject,
  metricsSubject,
  PROCESSING_ROOT,
  patternTail,
  patternToFilter,
  processingStream,
  RAN_ROOT,
  REFILL_SERVICE,
  REGISTRY_OFFER,
  REPLIED_ROOT,
  REPLY_ROOT,
  RUN_ROOT,
  receivedAnswerFilter,
  receivedReplyFilter,
  refillSubject,
  registryOfferSubject,
  replyIngestPrefix,
  runChangedSubject,
  runRecordSubject,
  runsStream,
  subjectsOf,
  subnetAsks,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import {
  ackSubjects,
  clusterOf,
  common,
  jetstream,
  type ServerCluster,
  type ServerSettings,
  systemAccount,
} from "./compile.ts";
import { type ConfBlock, renderConf } from "./conf.ts";
import { sealed } from "./seal.ts";

/** Limit of the connections of one member's processes, command-line tools included. */
const MAX_MEMBER_CONNECTIONS = 64;
/** A process has one subscription for each durable and a few more. */
const MAX_CONNECTION_SUBSCRIPTIONS = 1000;
/**
 * Limits of a member's open batch in a stream that it shares with others. A batch has as many messages as our
 * publishers put into one, and stays open no longer than a connection may stall. The server allows 50 open batches in a
 * stream and then refuses quickly; a refused publisher sends singly. More open batches would be worse: each costs
 * several syncs to begin, which delay everybody.
 */
const BATCH_LIMITS = { max_msgs: 500, timeout: "2s" };

export interface HubServerSettings extends ServerSettings {
  readonly subnet: string;
  /** Undefined: the hub has one server. */
  readonly cluster?: ServerCluster | undefined;
  /** `nats-leaf://host:port` of the root, `tls://host:port` with TLS. */
  readonly rootUrl: string;
  /** The other servers of a root of several: the hub's server connects to one of them all. */
  readonly otherRootUrls?: readonly string[] | undefined;
  /** File that holds `nkey: "<seed of the subnet's leaf key>"`, relative to this config: secrets stay out of it. */
  readonly leafSeedInclude: string;
  /** The public key of that seed. A server reconnects to its root when it reloads a config with another key. */
  readonly leafKey: string;
  /** Public nkey of the hub daemon. */
  readonly hubKey: string;
  /** Public nkey of each member. */
  readonly memberKeys: ReadonlyMap<string, string>;
  readonly policy: Policy;
  /** The consumers that each member may pull from. */
  readonly consumers: ReadonlyMap<string, readonly string[]>;
  /** First tokens of subjects to which a member may not publish for now, although policy allows it. */
  readonly withheld?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Members that are rejected for now, and are disconnected. */
  readonly shutOut?: ReadonlySet<string>;
}

/** The account of one member on its hub's server. */
export function memberAccount(node: string): string {
  return `MEMBER_${node}`;
}

/**
 * Config of a hub's server: account SUBNET with the streams and the hub daemon; an account for each member; and account
 * BRIDGE, bound to the leaf connection. SUBNET exports only a few services into the others. An answer goes back into
 * the requester's account, so a member's reply subject reaches only that member's processes.
 */
export function compileHubServer(settings: HubServerSettings, header: readonly string[] = []): string {
  const { subnet } = settings;
  const pull = `$JS.API.CONSUMER.MSG.NEXT.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const info = `$JS.API.CONSUMER.INFO.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const unpin = `$JS.API.CONSUMER.UNPIN.${eventsStream(subnet)}.${UPLINK_DURABLE}`;
  const acks = ackSubjects(subnet, UPLINK_DURABLE);
  const accounts = ["BRIDGE"];
  const prefix = bridgePrefix(subnet);
  const text = renderConf(
    {
      ...common(`hub-${settings.cluster?.name ?? subnet}`, settings),
      jetstream: { ...jetstream(subnet, settings), limits: { batch: BATCH_LIMITS } },
      leafnodes: {
        reconnect: "1s",
        remotes: [
          {
            urls: [settings.rootUrl, ...(settings.otherRootUrls ?? [])],
            account: "BRIDGE",
            tls: diallingTls(settings),
            include: settings.leafSeedInclude,
          },
        ],
      },
      ...(settings.cluster === undefined ? {} : { cluster: clusterOf(subnet, settings.cluster, settings) }),
      system_account: "SYS",
      accounts: {
        SYS: systemAccount(settings),
        SUBNET: {
          jetstream: "enabled",
          users: [{ nkey: settings.hubKey, allowed_connection_types: ["STANDARD"] }],
          imports: handedOn(settings),
          mappings: {
            "ingest.>": subjectsOf(EVENT_ROOT),
            "ingest-reply.>": subjectsOf(REPLY_ROOT),
            // With one name for the members' commands and the forwarded ones, the server would see a cycle of imports.
            [`${SENT}${subjectsOf(ASK_ROOT)}`]: subjectsOf(ASK_ROOT),
            [`${SENT}${subjectsOf(ANSWER_ROOT)}`]: subjectsOf(ANSWER_ROOT),
          },
          exports: [
            { service: pull, response_type: "stream", accounts },
            { service: info, accounts },
            { service: unpin, accounts },
            ...acks.map((service) => ({ service, accounts })),
            { service: "ingest.>", accounts },
            { service: "ingest-reply.>", accounts },
            { service: REGISTRY_OFFER, accounts },
            { service: FILL_SERVICE, accounts },
            { service: REFILL_SERVICE, accounts },
            ...memberExports(settings),
          ],
        },
        BRIDGE: {
          imports: [
            { service: { account: "SUBNET", subject: pull }, to: pull.replace("$JS.API", prefix) },
            { service: { account: "SUBNET", subject: info }, to: info.replace("$JS.API", prefix) },
            { service: { account: "SUBNET", subject: unpin }, to: unpin.replace("$JS.API", prefix) },
            ...acks.map((subject) => ({ service: { account: "SUBNET", subject } })),
            { service: { account: "SUBNET", subject: "ingest.>" }, to: subjectsOf(ingestPrefix(subnet)) },
            {
              service: { account: "SUBNET", subject: "ingest-reply.>" },
              to: subjectsOf(replyIngestPrefix(subnet)),
            },
            { service: { account: "SUBNET", subject: REGISTRY_OFFER }, to: registryOfferSubject(subnet) },
            { service: { account: "SUBNET", subject: FILL_SERVICE }, to: fillSubject(subnet) },
            { service: { account: "SUBNET", subject: REFILL_SERVICE }, to: refillSubject(subnet) },
          ],
        },
        ...Object.fromEntries(
          [...settings.memberKeys].map(([node, key]) => [
            memberAccount(node),
            memberOwn(settings, node, key),
          ]),
        ),
      },
    },
    [...header, `leaf key ${settings.leafKey}`],
  );
  return sealed(text);
}

/** The exports of SUBNET to the accounts of its members, for any member. */
function memberExports(settings: HubServerSettings): ConfBlock[] {
  const { subnet, memberKeys } = settings;
  const accounts = [...memberKeys.keys()].map(memberAccount);
  // A server takes an empty list for "everybody".
  if (accounts.length === 0) return [];
  return [
    { stream: receivedReplyFilter({ subnet, node: "*" }), accounts },
    { stream: runChangedSubject({ subnet, node: "*" }, "*"), accounts },
    ...leaderServices(settings, "*").map((service) => ({ service, accounts })),
    ...memberServices(subnet, "*").map((service) => {
      if (service.startsWith(PULL)) return { service, response_type: "stream", accounts };
      return { service, accounts };
    }),
    ...sentNow(subnet, "*").map((subject) => ({ service: `${SENT}${subject}`, ...UNANSWERED, accounts })),
  ];
}

/**
 * Messages that SUBNET forwards unstored to the accounts of its members: commands to members that may subscribe them,
 * and replies to requesters.
 */
function handedOn({ subnet, memberKeys, policy }: HubServerSettings): ConfBlock[] {
  return [...memberKeys.keys()].flatMap((node) => {
    const account = memberAccount(node);
    const commands = policy.patternsFor({ verb: "subscribe", subnet, node }).map((pattern) => ({
      service: { account, subject: patternToFilter(pattern, { subnet }, ASKED_ROOT) },
      to: patternToFilter(pattern, { subnet }, ASK_ROOT),
    }));
    const replies = {
      service: { account, subject: receivedAnswerFilter(REPLIED_ROOT, { subnet, node }) },
      to: receivedAnswerFilter(ANSWER_ROOT, { subnet, node }),
    };
    return [...commands, replies];
  });
}

/** The account of one member: other members do not exist in it. */
function memberOwn(settings: HubServerSettings, node: string, nkey: string): ConfBlock {
  const { subnet } = settings;
  return {
    // The account stays: for one that is added again, the server would have to reload twice.
    users: settings.shutOut?.has(node) === true ? [] : [memberUser(settings, node, nkey)],
    limits: { max_connections: MAX_MEMBER_CONNECTIONS, max_subscriptions: MAX_CONNECTION_SUBSCRIPTIONS },
    exports: [
      // Subscribers in this account get these from SUBNET, which imports only those that policy allows this member.
      { service: subnetAsks(ASKED_ROOT, { subnet, node: "*" }), ...UNANSWERED, accounts: ["SUBNET"] },
      { service: receivedAnswerFilter(REPLIED_ROOT, { subnet, node }), accounts: ["SUBNET"] },
    ],
    imports: [
      ...[...leaderServices(settings, node), ...memberServices(subnet, node)].map((subject) => ({
        service: { account: "SUBNET", subject },
      })),
      { stream: { account: "SUBNET", subject: receivedReplyFilter({ subnet, node }) } },
      { stream: { account: "SUBNET", subject: runChangedSubject({ subnet, node }, "*") } },
      ...sentNow(subnet, node).map((to) => ({ service: { account: "SUBNET", subject: `${SENT}${to}` }, to })),
    ],
  };
}

const PULL = "$JS.API.CONSUMER.MSG.NEXT.";

/** Prefix, in SUBNET, of a member's messages to be forwarded. */
const SENT = "ingest-";

/** Subjects of a member's messages that are forwarded unstored. @param node `*` for any. */
function sentNow(subnet: string, node: string): string[] {
  return [subnetAsks(ASK_ROOT, { subnet, node }), givenAnswerFilter({ subnet, node })];
}

/**
 * For this long the server keeps the return path of a request. Nobody uses that path here. The server reports a missing
 * subscriber at once, and a reply goes to its own subject, which names its owner.
 */
const UNANSWERED = { response_threshold: "1s" };

/**
 * The services of its subnet that a member can reach at all; its user's rights limit them further. The list does not
 * change while the member exists. Durables are a wildcard here, since a wildcard cannot be part of a token, and literal
 * names in the rights.
 * @param node `*` for any.
 */
function memberServices(subnet: string, node: string): string[] {
  const stream = eventsStream(subnet);
  const processing = processingStream(subnet);
  return [
    // No member may use it. Without it the server would import the whole JetStream API, which answers for each account.
    "$JS.API.INFO",
    subjectsOf(EVENT_ROOT, subnet, node),
    `${PULL}${stream}.*`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    ...ackSubjects(subnet, "*"),
    hubServiceSubject(node, "*"),
    givenReplyFilter(subnet, node),
    subjectsOf(DEAD_LETTER_ROOT, subnet, node),
    subjectsOf(PROCESSING_ROOT, subnet, node),
    `$JS.API.DIRECT.GET.${processing}.${subjectsOf(PROCESSING_ROOT, subnet, node)}`,
    subjectsOf(DONE_ROOT, subnet, node),
    `$JS.API.DIRECT.GET.${node === "*" ? node : doneStream({ subnet, node })}`,
    subjectsOf(METRICS_ROOT, subnet, node),
    subjectsOf(RUN_ROOT, subnet, node),
    subjectsOf(RAN_ROOT, subnet, node),
    `$JS.API.DIRECT.GET.${runsStream(subnet)}.${subjectsOf(RUN_ROOT, subnet, node)}`,
  ];
}

/** In a cluster, a member asks the leader of its marks: any other server may not have the newest ones yet. */
function leaderServices({ subnet, cluster }: HubServerSettings, node: string): string[] {
  if (cluster === undefined) return [];
  return [`$JS.API.STREAM.MSG.GET.${node === "*" ? node : doneStream({ subnet, node })}`];
}

/** Rights of a member on its hub's server: literal names only, since wildcards match whole tokens. */
function memberUser(settings: HubServerSettings, node: string, nkey: string): ConfBlock {
  const { subnet, policy } = settings;
  const stream = eventsStream(subnet);
  const publish = policy.patternsFor({ verb: "publish", subnet, node }).flatMap((pattern) => {
    return [EVENT_ROOT, ASK_ROOT].map((root) => patternToFilter(pattern, { subnet, node }, root));
  });
  const pull = (settings.consumers.get(node) ?? []).flatMap((consumer) => [
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    ...ackSubjects(subnet, consumer),
  ]);
  // A member that may take a command may answer it, to any requester: others ignore the reply.
  const taken = policy.patternsFor({ verb: "subscribe", subnet, node });
  const replies = taken.flatMap((pattern) => [
    givenReplyFilter(subnet, node, patternTail(pattern)),
    givenAnswerFilter({ subnet, node }, patternTail(pattern)),
  ]);
  const asked = taken.map((pattern) => patternToFilter(pattern, { subnet }, ASKED_ROOT));
  const services = HUB_SERVICES.map((service) => hubServiceSubject(node, service));
  const records = subjectsOf(PROCESSING_ROOT, subnet, node);
  const journal = [
    deadLetterSubject({ subnet, node, durable: "*" }, "*"),
    records,
    `$JS.API.DIRECT.GET.${processingStream(subnet)}.${records}`,
    metricsSubject({ subnet, node }, "*", "*"),
    markSubject({ subnet, node }, "*", "*"),
    `$JS.API.DIRECT.GET.${doneStream({ subnet, node })}`,
    documentSubject({ subnet, node }, "*.*"),
    `$JS.API.DIRECT.GET.${runsStream(subnet)}.${documentSubject({ subnet, node }, "*.*")}`,
    runRecordSubject({ subnet, node }, "*", "*"),
  ];
  const withheld = settings.withheld?.get(node) ?? new Set();
  const allow = [
    ...publish,
    ...replies,
    ...pull,
    ...services,
    ...journal,
    ...leaderServices(settings, node),
  ].filter((subject) => !withheld.has(subject.slice(0, subject.indexOf("."))));
  return {
    nkey,
    allowed_connection_types: ["STANDARD"],
    permissions: {
      publish: { allow },
      subscribe: {
        allow: [
          subjectsOf(inboxPrefix(node)),
          receivedReplyFilter({ subnet, node }),
          runChangedSubject({ subnet, node }, "*"),
          ...asked,
        ],
      },
    },
  };
}

/** The CA by which a hub's server trusts its root and, if the root requires it, its own certificate. */
function diallingTls({ tls }: ServerSettings): ConfBlock | undefined {
  if (tls === undefined) return undefined;
  const trusted = { ca_file: tls.caFile };
  return tls.verify ? { ...trusted, cert_file: tls.certFile, key_file: tls.keyFile } : trusted;
}
