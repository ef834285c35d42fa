import {
  type Delivery,
  type Envelope,
  type EventContract,
  encodeEnvelope,
  type Logger,
  MeshError,
  type Message,
  type SchemaRegistry,
  type Settlement,
  type Timers,
} from "@adaos/core";
import type { DataClass, Documents } from "@adaos/core/wire";
import {
  type ClassifiedData,
  type DeadLetter,
  type EventParking,
  type FailureJournal,
  formatSubject,
  type ProcessingRecord,
  type RecordedEvent,
} from "@adaos/core/wire";

async function noDocument(): Promise<never> {
  throw new MeshError("usage", "a stand-in keeps no documents");
}

async function noTimer(): Promise<never> {
  throw new MeshError("usage", "a stand-in has no timers");
}

/** For transports in whose tests nothing is kept. */
export const NO_DOCUMENTS: Documents = {
  read: async () => undefined,
  write: noDocument,
  record: noDocument,
  onChanged: () => () => undefined,
};

/** For transports in whose tests no timer is made. */
export const NO_TIMERS: Timers = {
  put: noTimer,
  list: async () => [],
  remove: async () => false,
  pause: noTimer,
  resume: noTimer,
  trigger: noTimer,
};

/** A log for a test to read. */
export class RecordingLog implements Logger {
  readonly lines: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[] = [];

  debug(fields: object, event: string): void {
    this.#add("debug", fields, event);
  }
  info(fields: object, event: string): void {
    this.#add("info", fields, event);
  }
  warn(fields: object, event: string): void {
    this.#add("warn", fields, event);
  }
  error(fields: object, event: string): void {
    this.#add("error", fields, event);
  }

  #add(level: string, fields: object, event: string): void {
    this.lines.push({ level, event, fields: { ...fields } });
  }
}

/**
 * A journal in memory for a test to read; it refuses with `refusal`. Passing it to a successor simulates a restart.
 */
export class RecordingJournal implements FailureJournal {
  parking: EventParking | undefined = undefined;
  readonly deadLetters: DeadLetter[] = [];
  readonly records: ProcessingRecord[] = [];
  /** All calls, in order. */
  readonly calls: string[] = [];
  refusal: Error | undefined;

  async storeDeadLetter(entry: DeadLetter): Promise<void> {
    this.#note("storeDeadLetter");
    const isStored = this.deadLetters.some(({ dead_letter_id: id }) => id === entry.dead_letter_id);
    if (!isStored) this.deadLetters.push(entry);
  }

  async record(record: ProcessingRecord): Promise<void> {
    this.#note(`record ${record.status}`);
    this.records.push(record);
  }

  async lastRecord(durable: string, { event_id, seq }: RecordedEvent): Promise<ProcessingRecord | undefined> {
    this.#note("lastRecord");
    return this.records.findLast(
      (record) => record.durable === durable && record.event_id === event_id && record.seq === seq,
    );
  }

  #note(call: string): void {
    this.calls.push(call);
    if (this.refusal !== undefined) throw this.refusal;
  }
}

/** For a schema that classifies all of the data. */
export function maskAll(is: DataClass): ClassifiedData {
  return {
    classes: [is],
    mask: (data, onMasked) => {
      onMasked?.(data);
      return `[${is}]`;
    },
  };
}

/** A contract that accepts any data. */
export function contractOf(name: string, changes: Partial<EventContract> = {}): EventContract {
  return {
    name,
    version: 1,
    kind: "event",
    schema: `urn:test:${name}`,
    requiredHeaders: [],
    validate: () => ({ valid: true, violations: [] }),
    validateReceived: () => ({ valid: true, violations: [] }),
    ...changes,
  };
}

/** A registry of these contracts; the newest version is the highest. */
export function registryOf(...contracts: readonly EventContract[]): SchemaRegistry {
  return {
    resolve(name, version) {
      const found = contracts
        .filter((contract) => contract.name === name && (version ?? contract.version) === contract.version)
        .sort((a, b) => b.version - a.version)[0];
      if (found === undefined) throw new MeshError("unknown-event", `no event ${name}`);
      return found;
    },
    onChange: () => () => undefined,
  };
}

/** A valid envelope of `ui.notify@1` from kitchen, with changes. */
export function envelopeOf(changes: Partial<Envelope> = {}): Envelope {
  return {
    event_id: "EVT-20250923-162000-0123456789ab",
    event_name: "ui.notify",
    version: 1,
    kind: "event",
    ts: "2025-09-23T16:20:00.000Z",
    source: "app@kitchen",
    correlation_id: "c-1",
    tenant: "default",
    headers: {},
    data: { text: "Tea is ready" },
    ...changes,
  };
}

/** The message that carries an envelope from alpha/kitchen. */
export function messageOfEnvelope(envelope: Envelope): Message {
  const { event_name: name, version, event_id: id } = envelope;
  const subject = formatSubject({ subnet: "alpha", node: "kitchen", name, version });
  return { subject, id, headers: {}, body: encodeEnvelope(envelope) };
}

/** A delivery that records every settlement, though it may get only one. */
export class TestDelivery implements Delivery {
  readonly message: Message;
  readonly stream = "EVENTS_alpha";
  readonly seq: number;
  readonly storedMs: number = Date.now();
  readonly deliveryCount: number;
  readonly settlements: Settlement[] = [];

  constructor(message: Message = messageOfEnvelope(envelopeOf()), seq = 1, deliveryCount = 1) {
    this.message = message;
    this.seq = seq;
    this.deliveryCount = deliveryCount;
  }

  settle(settlement: Settlement): void {
    this.settlements.push(settlement);
  }
}

/** The MeshError that `run` throws; fails for anything else. */
export function meshErrorOf(run: () => unknown): MeshError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof MeshError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}
