import { isReplySubject } from "./reply-subject.ts";
import type { NodeAddress } from "./subject.ts";

/** Names that servers, hubs and links must agree on. One subnet's names never equal another's. */

/** The hub stream of a subnet: its own events and the ones let in. */
export function eventsStream(subnet: string): string {
  return `EVENTS_${subnet}`;
}

/** The hub stream of what no handler could handle. */
export function deadLetterStream(subnet: string): string {
  return `DLQ_${subnet}`;
}

/**
 * The hub stream of events whose schema is not known yet, and of which durables wait for them. Its hub alone writes it.
 */
export function parkedStream(subnet: string): string {
  return `PARKED_${subnet}`;
}

/** The hub stream of how the handling of events that failed at least once stands. */
export function processingStream(subnet: string): string {
  return `PROCESSING_${subnet}`;
}

/** The hub stream of which effects have happened at which durable of one member. */
export function doneStream({ subnet, node }: NodeAddress): string {
  return `DONE_${subnet}_${node}`;
}

/** The hub stream of what the processes of its members have counted. */
export function metricsStream(subnet: string): string {
  return `METRICS_${subnet}`;
}

/** The stream of the alerts that a hub or the root judges, beside it. @param owner The subnet, or `root`. */
export function alertsStream(owner: string): string {
  return `ALERTS_${owner}`;
}

/** First token of every subject of alerts; the owner, an {@link AlertKind} and a name follow. */
export const ALERT_ROOT = "alert";

/** `state`: an alert was raised or cleared. `silence`: who wants no calls of it. `undelivered`: no webhook took it. */
export type AlertKind = "state" | "silence" | "undelivered";

/** `alert.<owner>.<kind>.<name>`. Without a name: the filter of all of them. */
export function alertSubject(owner: string, kind: AlertKind, name?: string): string {
  return `${ALERT_ROOT}.${owner}.${kind}.${name === undefined ? ">" : idToken(name)}`;
}

/** First token of every snapshot's subject; subnet, node, instance and hour follow. */
export const METRICS_ROOT = "met";
/** First token of every mark's subject; subnet, node, durable and effect key follow. */
export const DONE_ROOT = "done";
/** First token of every dead letter's subject; subnet, node and durable follow. */
export const DEAD_LETTER_ROOT = "dlq";
/** First token of what is parked; see `parked-subject.ts`. */
export const PARKED_ROOT = "parked";
/** First token of every processing record's subject; subnet, node, durable and event id follow. */
export const PROCESSING_ROOT = "proc";

/** `met.<subnet>.<node>.<instance>.<hour>`: what a process has counted. @param hour `2026-11-21T12` */
export function metricsSubject({ subnet, node }: NodeAddress, instance: string, hour: string): string {
  return `${METRICS_ROOT}.${subnet}.${node}.${instance}.${hour}`;
}

/** In the place of an instance: what all ended processes of a node have counted. */
export const ENDED_PROCESSES = "ended";

/** `met.<subnet>.<node>.<instance>.<hour>` as node and instance; nothing of another subject. Pure. */
export function parseMetricsSubject(
  subject: string,
): { readonly node: string; readonly instance: string } | undefined {
  const [root, subnet, node, instance, hour, ...rest] = subject.split(".");
  if (root !== METRICS_ROOT || instance === undefined || hour === undefined || rest.length > 0)
    return undefined;
  return { node: `${subnet}/${node}`, instance };
}

/** `done.<subnet>.<node>.<durable>.<effect key>`: that an effect has happened. */
export function markSubject({ subnet, node }: NodeAddress, durable: string, key: string): string {
  return `${DONE_ROOT}.${subnet}.${node}.${durable}.${key}`;
}

/** `proc.<subnet>.<node>.<durable>.<event id>.<seq>`: how the handling of one delivery stands. */
export function recordSubject(
  { subnet, node }: NodeAddress,
  durable: string,
  { event_id, seq }: { readonly event_id: string; readonly seq: number },
): string {
  return `${PROCESSING_ROOT}.${subnet}.${node}.${durable}.${idToken(event_id)}.${seq}`;
}

/** Filter of what the durables of a subnet have recorded of one event. */
export function recordsOfEventFilter(subnet: string, eventId: string): string {
  return `${PROCESSING_ROOT}.${subnet}.*.*.${idToken(eventId)}.*`;
}

/** Ids come from envelopes that were checked, or from what is no envelope at all: a subject takes no chances. */
export function idToken(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9-]/g, "_").slice(0, 64) || "_";
}

/** Told as the stream of an event that waits on its publisher's disk for the hub. No stream has this name. */
export const OUTBOX_STREAM = "outbox";

/** The root's stream of everything exported by anyone. */
export const MESH_STREAM = "MESH";

/** JetStream domain of the root's server; a hub's domain is its subnet's name. */
export const ROOT_DOMAIN = "root";

/** Durable of a hub's stream from which the root's uplink pulls. */
export const UPLINK_DURABLE = "root";

/** Durable of the root's stream from which the downlink to a subnet pulls. */
export function downlinkDurable(subnet: string): string {
  return `to-${subnet}`;
}

/**
 * Consumer name of a member's durable. The two names cannot run into each other: neither holds an underscore,
 * and nothing else that the hub creates does.
 */
export function memberConsumer(node: string, durable: string): string {
  return `${node}_${durable}`;
}

/** The member and durable of a consumer's name; nothing where it is none of a member's. Pure. */
export function parseMemberConsumer(
  name: string,
): { readonly node: string; readonly durable: string } | undefined {
  const [node, durable, ...rest] = name.split("_");
  if (node === undefined || durable === undefined || rest.length > 0) return undefined;
  return { node, durable };
}

/** Under which keys a member's durable remembers what it was made for. */
export const DURABLE_METADATA = {
  node: "adaos.node",
  pattern: "adaos.pattern",
  answers: "adaos.answers",
} as const;

/** Where the root finds a hub's bridge services. */
export function bridgePrefix(subnet: string): string {
  return `link.${subnet}`;
}

/** Where the root publishes events into a subnet; the event subject without its first token follows. */
export function ingestPrefix(subnet: string): string {
  return `${bridgePrefix(subnet)}.in`;
}

/** Likewise of replies. */
export function replyIngestPrefix(subnet: string): string {
  return `${bridgePrefix(subnet)}.reply`;
}

/** Where the root publishes what is stored in a subnet under this subject, an event's or a reply's. */
export function ingestSubject(subnet: string, subject: string): string {
  const prefix = isReplySubject(subject) ? replyIngestPrefix(subnet) : ingestPrefix(subnet);
  return `${prefix}.${subject.slice(subject.indexOf(".") + 1)}`;
}

/** What a member may ask its hub. */
export const HUB_SERVICES = [
  "durable",
  "handlers",
  "reply",
  "registry",
  "park",
  "parked",
  "release",
  "budget",
] as const;
export type HubService = (typeof HUB_SERVICES)[number];

/** Subject on which a member asks its hub. The server lets only that member publish there. */
export function hubServiceSubject(node: string, service: HubService | "*"): string {
  return `svc.hub.${node}.${service}`;
}

/**
 * Who asks its hub for what, as the server has authenticated it. Nothing where the subject is none of ours, or of a
 * service that there is not. Pure.
 */
export function parseHubServiceSubject(
  subject: string,
): { readonly node: string; readonly service: HubService } | undefined {
  const [root, of, node, name, ...rest] = subject.split(".");
  const service = HUB_SERVICES.find((known) => known === name);
  if (root !== "svc" || of !== "hub" || node === undefined || service === undefined) return undefined;
  return rest.length === 0 ? { node, service } : undefined;
}

/** Where a hub takes the registry that its root offers. */
export const REGISTRY_OFFER = "registry.offer";

/** Where the root offers a hub the registry. */
export function registryOfferSubject(subnet: string): string {
  return `${bridgePrefix(subnet)}.registry`;
}

/** Where a hub tells its root who holds how much of its stream. */
export const FILL_SERVICE = "stream.fill";

/** Where the root asks a hub that. */
export function fillSubject(subnet: string): string {
  return `${bridgePrefix(subnet)}.fill`;
}

/** Where a hub and its root tell each other what their streams have lost, so that the other's copies refill them. */
export const REFILL_SERVICE = "stream.refill";

/** Where the root asks a hub that. */
export function refillSubject(subnet: string): string {
  return `${bridgePrefix(subnet)}.refill`;
}

/** Prefix of a user's private reply subjects. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`;
}

/** Whose private reply subjects the root uses when it pulls from a subnet. */
export function linkUser(subnet: string): string {
  return `link-${subnet}`;
}

/** Subject on which the holder of an invitation asks to join. The server lets nobody else publish there. */
export function joinSubject(invitation: string): string {
  return `join.${invitation}`;
}

/** Whose private reply subjects the holder of an invitation uses. */
export function joiningUser(invitation: string): string {
  return `join-${invitation}`;
}
