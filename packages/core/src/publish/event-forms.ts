import { type EventRef, parseEventRef } from "../language/event-name.ts";
import type { Policy } from "../policy/policy.ts";
import type { EventContract, SchemaRegistry } from "../transport.ts";
import { formatSubject, type NodeAddress } from "../wire/subject.ts";

/** The common parts of all events of one type that one node publishes. */
export interface EventForm {
  readonly contract: EventContract;
  readonly subject: string;
  /** An envelope of this form has passed its check. Only time, ids and data differ in the next ones. */
  isChecked: boolean;
}

interface Held extends EventForm {
  readonly ref: EventRef;
  /** Revision of the policy that allowed it. */
  readonly revision: number;
}

/** The publisher. */
interface Asking {
  readonly address: NodeAddress;
  readonly policy: Policy;
  readonly registry: SchemaRegistry;
}

/** Limit of kept forms; with more distinct events the cache is emptied. */
const MAX_FORMS = 1000;

/**
 * Prepares the common parts of each event type once, and again when the policy or the event's contract has changed.
 * Each publisher has one.
 */
export class EventForms {
  readonly #byRef = new Map<string, Held>();

  /**
   * The form of `text`, which names an event with or without its version.
   * @param allow Returns the contract of an event that may be published; throws where it may not.
   */
  of(
    { address, policy, registry }: Asking,
    text: string,
    allow: (ref: EventRef) => EventContract,
  ): EventForm {
    const known = this.#byRef.get(text);
    if (known !== undefined && known.revision === policy.revision && isOfNow(known, registry)) return known;
    const { subnet, node } = address;
    const ref = parseEventRef(text);
    const contract = allow(ref);
    const subject = formatSubject({ subnet, node, name: contract.name, version: contract.version });
    const form: Held = { ref, contract, subject, revision: policy.revision, isChecked: false };
    if (this.#byRef.size >= MAX_FORMS) this.#byRef.clear();
    this.#byRef.set(text, form);
    return form;
  }
}

function isOfNow({ ref, contract }: Held, registry: SchemaRegistry): boolean {
  try {
    return registry.resolve(ref.name, ref.version) === contract;
  } catch {
    // The contract is gone; the next publish gets that error.
    return false;
  }
}
