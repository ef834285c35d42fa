import type { EventAddress } from "@adaos/core/wire";
import { visibleJson } from "@adaos/core/wire";
import { addressOfStored, type EventMask, type OpenedStored, openStored } from "@adaos/operations";
import type { StoredMessage } from "@adaos/transport-nats";
import type { ShownEvent } from "./feed-filter.ts";

/** A stored message that readers may be sent. Its bytes are decoded once, and only if a reader needs them. */
export class SeenMessage {
  readonly at: string;
  readonly stored: StoredMessage;
  readonly address: EventAddress | undefined;
  readonly #mask: EventMask;
  #opened: OpenedStored | undefined;
  #shown: ShownEvent | undefined;
  #tail: string | undefined;

  constructor(at: string, stored: StoredMessage, mask: EventMask) {
    this.at = at;
    this.stored = stored;
    this.address = addressOfStored(stored.subject);
    this.#mask = mask;
  }

  /** Undefined for bytes that are no event. */
  get shown(): ShownEvent | undefined {
    const opened = this.#open();
    if (opened.kind === "malformed") return undefined;
    const { envelope } = opened;
    this.#shown ??= new LazyShown(envelope);
    return this.#shown;
  }

  /** The message for a reader whose place is `id`, as JSON. */
  json(id: string): string {
    const opened = this.#open();
    this.#tail ??= visibleJson({ ...this.#head(), ...restOf(opened, this) }).slice(1);
    const type = opened.kind === "event" ? "event" : "malformed";
    // An id is made of names of subnets and of numbers.
    return `{"type":"${type}","id":"${id}",${this.#tail}`;
  }

  #open(): OpenedStored {
    this.#opened ??= openStored(this.stored, this.#mask);
    // A subject that is none of an event tells more than the bytes.
    if (this.address === undefined && this.#opened.kind === "event")
      this.#opened = { kind: "malformed", reason: "the subject is not that of an event" };
    return this.#opened;
  }

  #head(): object {
    return { at: this.at, seq: this.stored.seq, stored: this.stored.storedAt };
  }
}

function restOf(opened: OpenedStored, { address, stored }: SeenMessage): object {
  if (opened.kind === "malformed") return { subject: stored.subject, reason: opened.reason };
  return { origin: `${address?.subnet}/${address?.node}`, envelope: opened.envelope };
}

class LazyShown implements ShownEvent {
  readonly envelope: ShownEvent["envelope"];
  #lowerText: string | undefined;

  constructor(envelope: ShownEvent["envelope"]) {
    this.envelope = envelope;
  }

  get lowerText(): string {
    this.#lowerText ??= JSON.stringify(this.envelope).toLowerCase();
    return this.#lowerText;
  }
}
