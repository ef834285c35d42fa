import { isReplySubject } from "./reply-subject.ts";
import type { NodeAddress } from "./subject.ts";

/** Names that servers, hubs and links must agree on. One subnet's names never equal another's. */

/** The hub stream of a subnet's own events and imported ones. */
export function eventsStream(subnet: string): string {
  return `EVENTS_${subnet}`;
}

/** The hub stream of dead letters. */
export function deadLetterStream(subnet: string): string {
  return `DLQ_${subnet}`;
}

/**
 * The hub stream of events without a known schema, and of the durables that wait for them. Only its hub writes to
 * it.
 */
export function parkedStream(subnet: string): string {
  return `PARKED_${subnet}`;
}

/** The hub stream of processing records: the state of events whose handling failed at least once. */
export function processingStream(subnet: string): string {
  return `PROCESSING_${subnet}`;
}

/** The hub stream of one member's marks: which effects have happened at which durable. */
export function doneStream({ subnet, node }: NodeAddress): string {
  return `DONE_${subnet}_${node}`;
}

/** The hub stream of the counts of its members' processes. */
export function metricsStream(subnet: string): string {
  return `METRICS_${subnet}`;
}

/** The hub stream of its members' timers. Only the hub writes to it. */
export function timersStream(subnet: string): string {
  return `TIMERS_${subnet}`;
}

/** First token of every subject of a timer; subnet, node, timer and a {@link TimerPart} follow. */
export const TIMER_ROOT = "tmr";

/** The definition of a timer, its state, its alarm, and the alarm that rang last. */
export type TimerPart = "def" | "state" | "alarm" | "rung";

/** `tmr.<subnet>.<node>.<timer>.<part>`; node, timer and part may be `*` in a filter. */
export function timerSubject({ subnet, node }: NodeAddress, timer: string, part: TimerPart | "*"): string {
  return `${TIMER_ROOT}.${subnet}.${node}.${timer}.${part}`;
}

/** Node and timer of {@link timerSubject}; undefined for another subject. Pure. */
export function parseTimerSubject(
  subject: string,
): { readonly node: string; readonly timer: string } | undefined {
  const [root, , node, timer, part, ...rest] = subject.split(".");
  if (root !== TIMER_ROOT || node === undefined || timer === undefined) return undefined;
  return part === undefined || rest.length > 0 ? undefined : { node, timer };
}

/** Under which a hub hears the alarms of its timers: what rings is handed on there; node and timer end the subject. */
export function timerAlarmFilter(subnet: string): string {
  return `rung.${subnet}.*.*`;
}

/** How the stream of timers hands alarms on, for a server. */
export function timerAlarmRepublish(subnet: string): { readonly src: string; readonly dest: string } {
  const src = timerSubject({ subnet, node: "*" }, "*", "rung");
  return { src, dest: `rung.${subnet}.{{wildcard(1)}}.{{wildcard(2)}}` };
}

/**
 * The stream of alerts that a hub or the root judges.
 * @param owner The subnet, or `root`.
 */
export function alertsStream(owner: string): string {
  return `ALERTS_${owner}`;
}

/** First token of every alert's subject; the owner, an {@link AlertKind} and a name follow. */
export const ALERT_ROOT = "alert";

/**
 * `state`: an alert was raised or cleared. `silence`: its webhook messages are off. `undelivered`: no webhook took it.
 */
export type AlertKind = "state" | "silence" | "undelivered";

/** `alert.<owner>.<kind>.<name>`. Without a name: the filter of all alerts of the kind. */
export function alertSubject(owner: string, kind: AlertKind, name?: string): string {
  return `${ALERT_ROOT}.${owner}.${kind}.${name === undefined ? ">" : idToken(name)}`;
}

/** First token of every snapshot's subject; subnet, node, instance and hour follow. */
export const METRICS_ROOT = "met";
/** First token of every mark's subject; subnet, node, durable and effect key follow. */
export const DONE_ROOT = "done";
/** First token of every dead letter's subject; subnet, node and durable follow. */
export const DEAD_LETTER_ROOT = "dlq";
/** First token of parked events' subjects; see `parked-subject.ts`. */
export const PARKED_ROOT = "parked";
/** First token of every processing record's subject; subnet, node, durable and event id follow. */
export const PROCESSING_ROOT = "proc";

/**
 * `met.<subnet>.<node>.<instance>.<hour>`: the counts of a process.
 * @param hour `2026-11-21T12`
 */
export function metricsSubject({ subnet, node }: NodeAddress, instance: string, hour: string): string {
  return `${METRICS_ROOT}.${subnet}.${node}.${instance}.${hour}`;
}

/** In the place of an instance: the counts of all ended processes of a node. */
export const ENDED_PROCESSES = "ended";

/** Node and instance of `met.<subnet>.<node>.<instance>.<hour>`; undefined for another subject. Pure. */
export function parseMetricsSubject(
  subject: string,
): { readonly node: string; readonly instance: string } | undefined {
  const [root, subnet, node, instance, hour, ...rest] = subject.split(".");
  if (root !== METRICS_ROOT || instance === undefined || hour === undefined || rest.length > 0)
    return undefined;
  return { node: `${subnet}/${node}`, instance };
}

/** `done.<subnet>.<node>.<durable>.<effect key>`: the mark of an effect. */
export function markSubject({ subnet, node }: NodeAddress, durable: string, key: string): string {
  return `${DONE_ROOT}.${subnet}.${node}.${durable}.${key}`;
}

/** `proc.<subnet>.<node>.<durable>.<event id>.<seq>`: the processing record of one delivery. */
export function recordSubject(
  { subnet, node }: NodeAddress,
  durable: string,
  { event_id, seq }: { readonly event_id: string; readonly seq: number },
): string {
  return `${PROCESSING_ROOT}.${subnet}.${node}.${durable}.${idToken(event_id)}.${seq}`;
}

/** Filter of the processing records of one event at a subnet's durables. */
export function recordsOfEventFilter(subnet: string, eventId: string): string {
  return `${PROCESSING_ROOT}.${subnet}.*.*.${idToken(eventId)}.*`;
}

/** A safe subject token: the id may come from a checked envelope, or from an invalid one. */
export function idToken(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9-]/g, "_").slice(0, 64) || "_";
}

/** Reported as the stream of an event that waits on its publisher's disk for the hub. No stream has this name. */
export const OUTBOX_STREAM = "outbox";

/** The root's stream of all exported events. */
export const MESH_STREAM = "MESH";

/** Daemons that publish in the name of a subnet beside its members. */
export const DAEMON_NODES: ReadonlySet<string> = new Set(["hub", "root"]);

/** JetStream domain of the root's server; a hub's domain is its subnet's name. */
export const ROOT_DOMAIN = "root";

/** Durable of a hub's stream from which the uplink pulls. */
export const UPLINK_DURABLE = "root";

/** Durable of the root's stream from which the downlink to a subnet pulls. */
export function downlinkDurable(subnet: string): string {
  return `to-${subnet}`;
}

/**
 * Durable of the root's stream from which another region pulls. No subnet's durable has this name: names of subnets
 * contain no underscore.
 * @param region Name of that region's mesh.
 */
export function regionDurable(region: string): string {
  return `region_${region}`;
}

/** User whose private reply subjects another region uses when it pulls here. */
export function regionUser(region: string): string {
  return `region-${region}`;
}

/**
 * Consumer name of a member's durable. It is unambiguous: neither name contains an underscore, nor does any other
 * consumer of the hub.
 */
export function memberConsumer(node: string, durable: string): string {
  return `${node}_${durable}`;
}

/** The member and durable of a consumer's name; undefined unless it is a member's. Pure. */
export function parseMemberConsumer(
  name: string,
): { readonly node: string; readonly durable: string } | undefined {
  const [node, durable, ...rest] = name.split("_");
  if (node === undefined || durable === undefined || rest.length > 0) return undefined;
  return { node, durable };
}

/** Metadata keys under which a member's durable records its purpose. */
export const DURABLE_METADATA = {
  node: "adaos.node",
  pattern: "adaos.pattern",
  answers: "adaos.answers",
} as const;

/** Prefix of a hub's bridge services, as the root calls them. */
export function bridgePrefix(subnet: string): string {
  return `link.${subnet}`;
}

/**
 * Prefix under which the root publishes events into a subnet; the event subject without its first token follows.
 */
export function ingestPrefix(subnet: string): string {
  return `${bridgePrefix(subnet)}.in`;
}

/** The same for replies. */
export function replyIngestPrefix(subnet: string): string {
  return `${bridgePrefix(subnet)}.reply`;
}

/** Subject under which the root publishes an event or a reply that the subnet stores under this subject. */
export function ingestSubject(subnet: string, subject: string): string {
  const prefix = isReplySubject(subject) ? replyIngestPrefix(subnet) : ingestPrefix(subnet);
  return `${prefix}.${subject.slice(subject.indexOf(".") + 1)}`;
}

/** Services that a hub offers its members. */
export const HUB_SERVICES = [
  "durable",
  "handlers",
  "reply",
  "registry",
  "park",
  "parked",
  "release",
  "budget",
  "timer",
] as const;
export type HubService = (typeof HUB_SERVICES)[number];

/** Subject of a member's request to its hub. The server lets only that member publish there. */
export function hubServiceSubject(node: string, service: HubService | "*"): string {
  return `svc.hub.${node}.${service}`;
}

/**
 * The member and service of a request to a hub, as the server has authenticated it. Undefined for another subject
 * or an unknown service. Pure.
 */
export function parseHubServiceSubject(
  subject: string,
): { readonly node: string; readonly service: HubService } | undefined {
  const [root, of, node, name, ...rest] = subject.split(".");
  const service = HUB_SERVICES.find((known) => known === name);
  if (root !== "svc" || of !== "hub" || node === undefined || service === undefined) return undefined;
  return rest.length === 0 ? { node, service } : undefined;
}

/** The hub stream, in memory, that says which of several daemons of a hub serves the subnet. */
export function leaseStream(subnet: string): string {
  return `LEASE_${subnet}`;
}

/** Subject of its one message. */
export function leaseSubject(subnet: string): string {
  return `lease.${subnet}`;
}

/** Service of the hub daemon that serves the subnet, for the hub's other daemons: all that they follow. */
export const FELLOW_SERVICE = "fellows.ask";

/** Service of the hub's other daemons: each puts changed rights in force at the server beside it. */
export const FELLOW_RIGHTS = "fellows.rights";

/** Service of a hub that takes the registry from its root. */
export const REGISTRY_OFFER = "registry.offer";

/** Subject on which the root offers a hub the registry. */
export function registryOfferSubject(subnet: string): string {
  return `${bridgePrefix(subnet)}.registry`;
}

/** Service by which a hub reports to its root how much of its stream each origin uses. */
export const FILL_SERVICE = "stream.fill";

/** Subject on which the root calls it. */
export function fillSubject(subnet: string): string {
  return `${bridgePrefix(subnet)}.fill`;
}

/**
 * Service by which a hub and its root report the lost events of their streams, so that the other's copies refill
 * them.
 */
export const REFILL_SERVICE = "stream.refill";

/** Subject on which the root calls it. */
export function refillSubject(subnet: string): string {
  return `${bridgePrefix(subnet)}.refill`;
}

/** Prefix of a user's private reply subjects. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`;
}

/** User whose private reply subjects the root uses when it pulls from a subnet. */
export function linkUser(subnet: string): string {
  return `link-${subnet}`;
}

/** Subject on which the holder of an invitation asks to join. The server lets no other user publish there. */
export function joinSubject(invitation: string): string {
  return `join.${invitation}`;
}

/** User whose private reply subjects the holder of an invitation uses. */
export function joiningUser(invitation: string): string {
  return `join-${invitation}`;
}
