import { decodeEnvelope, type Envelope, MeshError, type Message, type Policy } from "@adaos/core";
import type { PolicyQuestion } from "@adaos/core/wire";
import {
  assertOrigin,
  assertSigned,
  assertTenant,
  DAEMON_NODES,
  deniedError,
  type EventAddress,
  isEventSubject,
  isReplySubject,
  parseReplySubject,
  parseSubject,
  RecentMap,
  type ReplyAddress,
  replyName,
  type Signatures,
} from "@adaos/core/wire";
import { headersOfMsg, storedMsOf } from "@adaos/transport-nats";
import type { Msg } from "nats";
import type { Clearance } from "./clearance.ts";

/** From a subnet to the root, from the root to a subnet, or from another region to this root. */
export type Direction = "up" | "down" | "region";

/** Decides whether a stored message may cross a link. */
export interface Admits {
  /** Whether the link takes no notice of an event, which its filters could not leave out. */
  isOwn(subject: string): boolean;
  /** The origin and event of a subject. Throws as {@link Admits.admit} does. */
  admitSubject(subject: string): EventAddress;
  /**
   * Returns the message if its origin and event may cross and match its envelope. Throws `denied` (with the rule) or
   * `invalid-event`.
   * @param claimed The result of {@link Admits.admitSubject} for its subject.
   * @param sourceStoredMs When the source's stream stored it.
   */
  admit(msg: Msg, claimed: EventAddress, sourceStoredMs: number): Admitted;
}

/** A message that may cross, and the envelope it carries. */
export interface Admitted {
  readonly envelope: Envelope;
  readonly message: Message;
}

/** The facts by which a link decides. */
export interface AdmissionOptions {
  readonly policy: Policy;
  /** Tenant of every subnet. */
  readonly tenants: ReadonlyMap<string, string>;
  /** Members of every subnet. */
  readonly nodes: ReadonlyMap<string, ReadonlySet<string>>;
  /** Tenant of a subnet of another region from which events come; undefined for any other. */
  readonly foreignTenant: (subnet: string) => string | undefined;
  readonly signatures: Signatures;
  readonly clearance: Clearance;
  readonly direction: "up" | "down";
  readonly subnet: string;
}

/** Subjects of events remembered per link. */
const REMEMBERED = 10_000;

/**
 * Decides whether a stored message may cross a link. The servers' filters have let it through; the link checks the
 * message itself once more.
 */
export class Admission implements Admits {
  readonly #options: AdmissionOptions;
  /** Subjects that may cross by this revision of the policy, with their origin and event. */
  #admitted = new RecentMap<string, EventAddress>(REMEMBERED);
  #revision = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Returns the message if its origin and event may cross and match its envelope. Throws `denied` (with the rule) or
   * `invalid-event`.
   * @param claimed The result of {@link admitSubject} for its subject.
   * @param sourceStoredMs When the source's stream stored it.
   */
  admit(
    msg: Msg,
    claimed: EventAddress = this.admitSubject(msg.subject),
    sourceStoredMs: number = storedMsOf(msg),
  ): Admitted {
    const { tenants, foreignTenant, signatures, clearance, direction, subnet } = this.#options;
    if (direction === "up") clearance.assertMayLeave(subnet, claimed);
    else clearance.assertMayHave(subnet, claimed);
    // An uplink pulls from the stream that stored the event first; waiting there does not add to its age.
    const storedMs = direction === "up" ? sourceStoredMs : undefined;
    const tenant = tenants.get(claimed.subnet) ?? foreignTenant(claimed.subnet);
    return admitted(msg, claimed, { tenant, signatures, storedMs });
  }

  /**
   * Whether the link takes no notice of an event: a downlink whose filters do not name each origin gets its subnet's
   * own events too, which do not go back. Throws `invalid-event` for a subject that is none.
   */
  isOwn(subject: string): boolean {
    const { direction, subnet } = this.#options;
    return direction === "down" && isEventSubject(subject) && parseSubject(subject).subnet === subnet;
  }

  /** The origin and event of a subject. Pure apart from its cache. Throws as {@link admit} does. */
  admitSubject(subject: string): EventAddress {
    const { policy, direction, subnet } = this.#options;
    if (this.#revision !== policy.revision) {
      this.#admitted = new RecentMap(REMEMBERED);
      this.#revision = policy.revision;
    }
    const remembered = this.#admitted.get(subject);
    if (remembered !== undefined) return remembered;
    // Every reply has another subject: nothing to cache.
    if (isReplySubject(subject))
      return this.#declared(admitReply(policy, direction, subnet, parseReplySubject(subject)));
    const claimed = this.#declared(admitEvent(policy, direction, subnet, parseSubject(subject)));
    this.#admitted.set(subject, claimed);
    return claimed;
  }

  /** A hub may publish anything in its subnet's name, but not in the name of an undeclared member. */
  #declared(address: EventAddress): EventAddress {
    const { nodes, direction, foreignTenant } = this.#options;
    const { subnet, node } = address;
    // Filters that do not name each origin let events of a removed subnet through.
    if (direction === "down" && !nodes.has(subnet) && foreignTenant(subnet) === undefined)
      throw new MeshError("denied", `the mesh has no subnet ${subnet}`, { rule: "origin" });
    if (direction === "down" || DAEMON_NODES.has(node) || nodes.get(subnet)?.has(node) === true)
      return address;
    throw new MeshError("denied", `${subnet} has no member ${node}`, { rule: "origin" });
  }
}

/**
 * The envelope of a message, checked against its subject, its tenant and its signature. Throws `denied` or
 * `invalid-event`.
 * @param by.signatures Not given: a signature is not verified.
 * @param by.storedMs As {@link Signatures.verify}.
 */
export function admitted(
  msg: Msg,
  claimed: EventAddress,
  by: {
    readonly tenant?: string | undefined;
    readonly signatures?: Signatures;
    readonly storedMs?: number | undefined;
  },
): Admitted {
  const { subject, data: body } = msg;
  const headers = headersOfMsg(msg);
  const signature = by.signatures?.verify(claimed.subnet, { subject, headers, body }, by.storedMs);
  // The schema is not known here, so keys of the data must not be shown.
  const envelope = decodeEnvelope(body, false);
  assertSigned(envelope, signature);
  assertOrigin(envelope, claimed);
  assertTenant(envelope, by.tenant);
  // The bytes pass unchanged; of the headers only those for transport pass.
  return { envelope, message: { subject, id: envelope.event_id, headers, body } };
}

/** Returns the origin and event that the envelope must have, too. */
function admitEvent(
  policy: Policy,
  direction: "up" | "down",
  subnet: string,
  address: EventAddress,
): EventAddress {
  const foreign = address.subnet !== subnet;
  if (direction === "up" && foreign) {
    throw new MeshError("denied", `${subnet} may not send an event of ${address.subnet}`, { rule: "origin" });
  }
  if (direction === "down" && !foreign) {
    throw new MeshError("denied", `an event of ${subnet} is not sent back to it`, { rule: "origin" });
  }
  if (direction === "up") assertAllowed(policy, { verb: "export", subnet }, address);
  else assertAllowed(policy, { verb: "import", subnet, from: address.subnet }, address);
  return address;
}

/**
 * A reply passes where its command may pass the other way: exported by the requester's subnet, imported by the
 * responder's. That needs no memory of the command, and so survives a restart.
 */
function admitReply(
  policy: Policy,
  direction: "up" | "down",
  subnet: string,
  reply: ReplyAddress,
): EventAddress {
  const { requester, responder, name, version } = reply;
  const own = direction === "up" ? responder : requester;
  if (own.subnet !== subnet || requester.subnet === responder.subnet) {
    const way = `${responder.subnet} to ${requester.subnet}`;
    throw new MeshError("denied", `a reply from ${way} does not cross the link of ${subnet}`, {
      rule: "origin",
    });
  }
  const command = { name, version };
  assertAllowed(policy, { verb: "export", subnet: requester.subnet }, command);
  assertAllowed(policy, { verb: "import", subnet: responder.subnet, from: requester.subnet }, command);
  return { ...responder, name: replyName(name), version };
}

function assertAllowed(
  policy: Policy,
  question: PolicyQuestion,
  { name, version }: Pick<EventAddress, "name" | "version">,
): void {
  const decision = policy.decide(question, name, version);
  if (!decision.allowed) throw deniedError(decision);
}
