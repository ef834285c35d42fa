import { formatEventRef, MeshError } from "@adaos/core";
import { type EventAddress, parseParkedPlace } from "@adaos/core/wire";

/** Limits of parked events: in total, and for one origin. */
export interface ParkedLimits {
  readonly maxBytes: number;
  readonly originMaxBytes: number;
  readonly originMaxEvents: number;
}

/** The reason why an event cannot be parked, and the origin over its limit. */
export interface NoRoom {
  readonly origin: string;
  readonly reason: string;
}

export interface Wait {
  readonly place: string;
  /** Place of the event in the subnet's stream. */
  readonly seq: number;
  readonly address: EventAddress;
  /** Place of its record in the stream of parked events. */
  readonly kept: number;
}

/** Overhead of an event and a record: subject, headers and the server's framing. */
const EVENT_BYTES = 256;
const WAIT_BYTES = 256;

/** Index of the stream of parked events, by origin and by durable. Does no I/O. */
export class ParkedIndex {
  readonly #subnet: string;
  readonly #limits: ParkedLimits;
  readonly #events = new Map<string, { readonly origin: string; waits: number }>();
  readonly #origins = new Map<string, { events: number; bytes: number }>();
  /** Place of each record, by durable and place of the event. */
  readonly #durables = new Map<string, Map<string, number>>();
  #bytes = 0;
  #waits = 0;

  constructor(subnet: string, limits: ParkedLimits) {
    this.#subnet = subnet;
    this.#limits = limits;
  }

  /** The number of messages that its stream should have. */
  get messages(): number {
    return this.#events.size + this.#waits;
  }

  hasEvent(place: string): boolean {
    return this.#events.has(place);
  }

  hasWait(durable: string, place: string): boolean {
    return this.#durables.get(durable)?.has(place) === true;
  }

  /** The reason why another durable cannot wait for this event; undefined when it can. */
  noRoom(place: string): NoRoom | undefined {
    const { bytes } = parseParkedPlace(place);
    const isNew = !this.#events.has(place);
    const needed = WAIT_BYTES + (isNew ? bytes + EVENT_BYTES : 0);
    const origin = originOf(this.#subnet, place);
    const held = this.#origins.get(origin) ?? { events: 0, bytes: 0 };
    const { maxBytes, originMaxBytes, originMaxEvents } = this.#limits;
    if (isNew && held.events >= originMaxEvents)
      return { origin, reason: `${held.events} events of ${origin} wait for their schema, no more are kept` };
    if (held.bytes + needed > originMaxBytes)
      return {
        origin,
        reason: `what waits of ${origin} for its schema takes the ${originMaxBytes} bytes it may`,
      };
    if (this.#bytes + needed > maxBytes)
      return { origin, reason: `what waits for its schema takes the ${maxBytes} bytes it may` };
    return undefined;
  }

  /** Throws `invalid-event` when the text is not a place. */
  addEvent(place: string): void {
    if (this.#events.has(place)) return;
    const origin = originOf(this.#subnet, place);
    this.#events.set(place, { origin, waits: 0 });
    this.#charge(origin, 1, parseParkedPlace(place).bytes + EVENT_BYTES);
  }

  /** Adds a wait for an event of the index. */
  addWait(durable: string, place: string, kept: number): void {
    const event = this.#events.get(place);
    const waits = this.#durables.get(durable) ?? new Map<string, number>();
    if (event === undefined) throw new MeshError("internal", `no event at ${place}`);
    if (!waits.has(place)) {
      event.waits++;
      this.#waits++;
      this.#charge(event.origin, 0, WAIT_BYTES);
    }
    this.#durables.set(durable, waits.set(place, kept));
  }

  dropWait(durable: string, place: string): void {
    const waits = this.#durables.get(durable);
    const event = this.#events.get(place);
    if (waits?.delete(place) !== true || event === undefined) return;
    if (waits.size === 0) this.#durables.delete(durable);
    event.waits--;
    this.#waits--;
    this.#charge(event.origin, 0, -WAIT_BYTES);
  }

  dropEvent(place: string): void {
    const event = this.#events.get(place);
    if (event === undefined) return;
    this.#events.delete(place);
    this.#charge(event.origin, -1, -(parseParkedPlace(place).bytes + EVENT_BYTES));
  }

  /** Events for which no durable waits. */
  *unwaited(): Generator<string> {
    for (const [place, { waits }] of this.#events) if (waits === 0) yield place;
  }

  isUnwaited(place: string): boolean {
    return this.#events.get(place)?.waits === 0;
  }

  /** The events (`ui.notify@1`) that a durable waits for. */
  eventsOf(durable: string): ReadonlySet<string> {
    const events = new Set<string>();
    for (const place of this.#durables.get(durable)?.keys() ?? [])
      events.add(refOf(parseParkedPlace(place).address));
    return events;
  }

  /** A durable's waits for one event, after a place in the subnet's stream, in the order of that stream. */
  waitsOf(durable: string, event: string, after: number): readonly Wait[] {
    const found: Wait[] = [];
    for (const [place, kept] of this.#durables.get(durable) ?? []) {
      const { seq, address } = parseParkedPlace(place);
      if (seq > after && refOf(address) === event) found.push({ place, seq, address, kept });
    }
    return found.sort((a, b) => a.seq - b.seq);
  }

  #charge(origin: string, events: number, bytes: number): void {
    const held = this.#origins.get(origin) ?? { events: 0, bytes: 0 };
    held.events += events;
    held.bytes += bytes;
    this.#bytes += bytes;
    if (held.bytes > 0) this.#origins.set(origin, held);
    else this.#origins.delete(origin);
  }
}

/** The origin that an event counts against: its subnet, or for events of this subnet its node. */
function originOf(own: string, place: string): string {
  const { subnet, node } = parseParkedPlace(place).address;
  return subnet === own ? `${subnet}/${node}` : subnet;
}

function refOf({ name, version }: EventAddress): string {
  return formatEventRef(name, version);
}
