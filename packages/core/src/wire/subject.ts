import { MeshError } from "../language/errors.ts";
import { assertEventName, quote } from "../language/event-name.ts";
import type { EventPattern } from "../language/event-pattern.ts";
import { RecentMap } from "../language/recent-map.ts";

/**
 * `evt.<subnet>.<node>.<event name>.v<major>`: the address of an event on every server. Subnet and node are the
 * event's authenticated origin, since a server lets a node publish below its own two tokens only.
 */
export interface EventAddress {
  readonly subnet: string;
  readonly node: string;
  readonly name: string;
  readonly version: number;
}

/** First token of every event subject. */
export const EVENT_ROOT = "evt";

/**
 * Filter of every subject of a family (`evt`, `dlq` …), narrowed by the tokens that follow its root, each of which may
 * be `*`: `subjectsOf("evt", "alpha")` is `evt.alpha.>`.
 */
export function subjectsOf(root: string, ...tokens: readonly string[]): string {
  return `${[root, ...tokens].join(".")}.>`;
}

const ORIGIN_TOKEN = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The problem of a subnet or node name, or undefined. */
export function originTokenProblem(token: string): string | undefined {
  return ORIGIN_TOKEN.test(token) ? undefined : "must be 1 to 63 of a-z 0-9 -, not starting with -";
}

/** Throws `invalid-event` unless `token` can be a subnet, node or durable token of a subject. */
export function assertOriginToken(token: string, what: "subnet" | "node" | "durable"): void {
  const problem = originTokenProblem(token);
  if (problem !== undefined) throw new MeshError("invalid-event", `${what} ${quote(token)} ${problem}`);
}

/** Joins a checked address. Throws `invalid-event`, since a server would store wildcards, spaces and NUL. */
export function formatSubject(address: EventAddress): string {
  assertOriginToken(address.subnet, "subnet");
  assertOriginToken(address.node, "node");
  assertEventName(address.name);
  if (!Number.isInteger(address.version) || address.version < 1 || address.version > 9999) {
    throw new MeshError(
      "invalid-event",
      `version of ${address.name} must be 1 to 9999, got ${address.version}`,
    );
  }
  return `${EVENT_ROOT}.${address.subnet}.${address.node}.${address.name}.v${address.version}`;
}

/** Subjects that were split before: they repeat, and there are few. */
const parsed = new RecentMap<string, EventAddress>(1000);

/** Splits an event subject. Throws `invalid-event` for another subject. */
export function parseSubject(subject: string): EventAddress {
  const known = parsed.get(subject);
  if (known !== undefined) return known;
  // Frozen, since all callers share it.
  const address = Object.freeze(splitSubject(subject));
  parsed.set(subject, address);
  return address;
}

function splitSubject(subject: string): EventAddress {
  const tokens = subject.split(".");
  const [root, subnet = "", node = ""] = tokens;
  const last = tokens.at(-1) ?? "";
  if (root !== EVENT_ROOT || tokens.length < 6 || !/^v[1-9][0-9]{0,3}$/.test(last)) {
    throw new MeshError(
      "invalid-event",
      `subject ${quote(subject)} is not evt.<subnet>.<node>.<event name>.v<major>`,
    );
  }
  assertOriginToken(subnet, "subnet");
  assertOriginToken(node, "node");
  const name = tokens.slice(3, -1).join(".");
  assertEventName(name);
  return { subnet, node, name, version: Number(last.slice(1)) };
}

/** First token of an event that is replayed to one durable: no other durable and no link takes it. */
export const REPLAY_ROOT = "rpl";

/** Subject of a replay to this durable of this node. */
export function formatReplaySubject(
  to: { readonly node: string; readonly durable: string },
  subject: string,
): string {
  assertOriginToken(to.node, "node");
  assertOriginToken(to.durable, "durable");
  parseSubject(subject);
  return `${replayPrefix(to)}.${subject.slice(EVENT_ROOT.length + 1)}`;
}

/** The target durable of a replay. Throws `invalid-event` for another subject. */
export function parseReplayTarget(subject: string): { readonly node: string; readonly durable: string } {
  const [root, node = "", durable = ""] = subject.split(".");
  if (root !== REPLAY_ROOT) {
    throw new MeshError("invalid-event", `subject ${quote(subject)} is not that of a replay`);
  }
  assertOriginToken(node, "node");
  assertOriginToken(durable, "durable");
  return { node, durable };
}

/** Prefix of every replay to this durable. */
export function replayPrefix({ node, durable }: { readonly node: string; readonly durable: string }): string {
  return `${REPLAY_ROOT}.${node}.${durable}`;
}

/** Filter of every replay to this durable. */
export function replayFilter(to: { readonly node: string; readonly durable: string }): string {
  return subjectsOf(replayPrefix(to));
}

export function isEventSubject(subject: string): boolean {
  return subject.startsWith(`${EVENT_ROOT}.`);
}

export function isReplaySubject(subject: string): boolean {
  return subject.startsWith(`${REPLAY_ROOT}.`);
}

/** The event subject of a replay. */
export function replayedSubject(replay: string): string {
  return `${EVENT_ROOT}.${replay.split(".").slice(3).join(".")}`;
}

/** Splits the subject of a delivery, also of a replay. Throws `invalid-event`. */
export function parseDeliverySubject(subject: string): EventAddress {
  return parseSubject(isReplaySubject(subject) ? replayedSubject(subject) : subject);
}

/** A node within the mesh: `alpha/kitchen`. */
export interface NodeAddress {
  readonly subnet: string;
  readonly node: string;
}

/** Parses `alpha/kitchen`. Throws `usage`. */
export function parseNodeAddress(text: string): NodeAddress {
  const [subnet = "", node = "", ...rest] = text.split("/");
  if (rest.length > 0 || originTokenProblem(subnet) !== undefined || originTokenProblem(node) !== undefined) {
    throw new MeshError("usage", `${quote(text)} is not <subnet>/<node>, for example alpha/kitchen`);
  }
  return { subnet, node };
}

/**
 * The subject filter of a pattern, from any origin unless one is named.
 * @param root First token of the family.
 */
export function patternToFilter(
  pattern: EventPattern,
  origin: { readonly subnet?: string; readonly node?: string } = {},
  root: string = EVENT_ROOT,
): string {
  return `${root}.${origin.subnet ?? "*"}.${origin.node ?? "*"}.${patternTail(pattern)}`;
}

/** The origin that a filter of {@link patternToFilter} admits; a name that is left out means any. Pure. */
export function filterOrigin(filter: string): { readonly subnet?: string; readonly node?: string } {
  const [, subnet = "*", node = "*"] = filter.split(".");
  return { ...(subnet === "*" ? {} : { subnet }), ...(node === "*" ? {} : { node }) };
}

/** The end of the subjects of a pattern's events, after the tokens of their origin. */
export function patternTail(pattern: EventPattern): string {
  if (pattern.kind === "all") return ">";
  // At least one more token of the name comes before the version: `ui.notify.>` would match ui.notify itself.
  if (pattern.kind === "prefix") return `${pattern.stem}*.>`;
  return `${pattern.stem}.${pattern.version === undefined ? "*" : `v${pattern.version}`}`;
}
