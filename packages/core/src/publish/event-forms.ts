import { type EventRef, parseEventRef } from "../language/event-name.ts";
import type { Policy } from "../policy/policy.ts";
import type { EventContract, SchemaRegistry } from "../transport.ts";
import { formatSubject, type NodeAddress } from "../wire/subject.ts";

/** What is the same of all events of one type that one node publishes. */
export interface EventForm {
  readonly contract: EventContract;
  readonly subject: string;
  /** An envelope of this form was checked, whose every field but time, ids and data is that of all others. */
  isChecked: boolean;
}

interface Held extends EventForm {
  readonly ref: EventRef;
  /** Of the policy that has allowed it. */
  readonly revision: number;
}

/** Who publishes. */
interface Asking {
  readonly address: NodeAddress;
  readonly policy: Policy;
  readonly registry: SchemaRegistry;
}

/** Forms that are held at a time; more distinct events than this start afresh. */
const MAX_FORMS = 1000;

/**
 * Prepares what a publisher says of each type of event once, and again whenever its policy or the event's contract has
 * changed. One for each publisher.
 */
export class EventForms {
  readonly #byRef = new Map<string, Held>();

  /**
   * The form of `text`, which names an event with its version or without.
   * @param allow The contract of an event that may be published; throws where it may not be.
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
    // It has gone; who asks anew is told so.
    return false;
  }
}
