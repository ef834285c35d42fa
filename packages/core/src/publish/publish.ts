import { checkData, checkEnvelope, type Envelope, encodeEnvelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { newEventId } from "../language/event-id.ts";
import { type EventRef, formatEventRef } from "../language/event-name.ts";
import { deniedError, type Policy } from "../policy/policy.ts";
import type { EventContract, Message, SchemaRegistry } from "../transport.ts";
import type { NodeAddress } from "../wire/subject.ts";
import type { Deprecations } from "./deprecations.ts";
import { type EventForm, EventForms } from "./event-forms.ts";
import { handlerScope } from "./handler-scope.ts";
import type { Signatures } from "./signatures.ts";

export interface PublishOptions {
  /** Repeat it to retry a publish whose outcome is unknown. @default a new id */
  readonly eventId?: string;
  /** @default the handled event's, else the new event's id */
  readonly correlationId?: string;
  /** @default the handled event's id, else none */
  readonly causationId?: string;
  /** Names the effect, so that handlers recognise a repetition. Becomes the header `idempotency_key`. */
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The part of `source` before `@`. @default the bus's component */
  readonly component?: string;
}

/** The place of a published event. */
export interface Published {
  readonly eventId: string;
  readonly subject: string;
  /** `outbox` when the hub is away: the event waits on this machine's disk, and is sent when the hub is back. */
  readonly stream: string;
  readonly seq: number;
  /** An event with this id was stored before; nothing was stored now. */
  readonly duplicate: boolean;
}

/** The publishing node, with its contracts and rules. */
export interface Publisher {
  readonly address: NodeAddress;
  readonly component: string;
  readonly tenant: string;
  readonly policy: Policy;
  readonly registry: SchemaRegistry;
  /** Undefined: events are not signed. */
  readonly signatures?: Signatures | undefined;
  /** Undefined: deprecated events are not counted. */
  readonly deprecations?: Deprecations;
  /** Cached forms. Undefined: everything is prepared anew. */
  readonly forms?: EventForms;
}

export interface PreparedEvent {
  readonly envelope: Envelope;
  readonly message: Message;
}

/**
 * Turns a call of publish into a message: policy, then envelope, then schema, then signature. No I/O. Throws
 * `denied`, `unknown-event`, `invalid-event` or `too-large`, with the problem and its place.
 */
export function prepareEvent(
  publisher: Publisher,
  ref: string,
  data: unknown,
  options: PublishOptions,
  nowMs: number,
): PreparedEvent {
  const { forms = new EventForms() } = publisher;
  const form = forms.of(publisher, ref, (parsed) => allowedContract(publisher, parsed));
  const { contract, subject } = form;
  const envelope = newEnvelope(publisher, contract, data, options, nowMs);
  checkOnce(form, envelope, options);
  assertContract(contract, envelope, "validate");
  if (contract.deprecated !== undefined) publisher.deprecations?.note(contract, { writer: envelope.source });
  return { envelope, message: newMessage(publisher, subject, envelope) };
}

/**
 * No options, recognised by identity. Then only the envelope's data comes from the caller: inherited values were
 * checked when the handled event came in.
 */
export const NO_OPTIONS: PublishOptions = {};

/** Checks the parts of an envelope that no earlier one of its form has proven. */
function checkOnce(form: EventForm, envelope: Envelope, options: PublishOptions): void {
  const namesKeys = form.contract.classified === undefined;
  const isPlain = options === NO_OPTIONS;
  if (isPlain && form.isChecked) return checkData(envelope.data, namesKeys);
  checkEnvelope(envelope, namesKeys);
  if (isPlain) form.isChecked = true;
}

/**
 * The message of a checked envelope, signed where the publisher's subnet signs. Throws `too-large` or
 * `invalid-event`.
 */
export function newMessage(
  { address, signatures }: Pick<Publisher, "address" | "signatures">,
  subject: string,
  envelope: Envelope,
): Message {
  const message = { subject, id: envelope.event_id, headers: NONE, body: encodeEnvelope(envelope) };
  return signatures?.sign(address.subnet, message, envelope) ?? message;
}

function allowedContract({ policy, registry, address }: Publisher, ref: EventRef): EventContract {
  const question = { verb: "publish", subnet: address.subnet, node: address.node } as const;
  const contract = contractOrError(registry, ref);
  const version = contract instanceof MeshError ? (ref.version ?? 1) : contract.version;
  const decision = policy.decide(question, ref.name, version);
  // The refusal comes first: without the right to publish an event, a node must not learn whether it exists.
  if (!decision.allowed) throw deniedError(decision);
  if (contract instanceof MeshError) throw contract;
  return contract;
}

/** The contract, or the `unknown-event` error. */
export function contractOrError(registry: SchemaRegistry, ref: EventRef): EventContract | MeshError {
  try {
    return registry.resolve(ref.name, ref.version);
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "unknown-event") return thrown;
    throw thrown;
  }
}

/** The envelope of a new event, unchecked. */
export function newEnvelope(
  publisher: Publisher,
  contract: EventContract,
  data: unknown,
  options: PublishOptions,
  nowMs: number,
): Envelope {
  const scope = handlerScope.getStore();
  const eventId = options.eventId ?? newEventId(nowMs);
  const causationId = options.causationId ?? scope?.eventId;
  return {
    event_id: eventId,
    event_name: contract.name,
    version: contract.version,
    kind: contract.kind,
    ts: isoTime(nowMs),
    source: `${options.component ?? publisher.component}@${publisher.address.node}`,
    correlation_id: options.correlationId ?? scope?.correlationId ?? eventId,
    ...(causationId === undefined ? {} : { causation_id: causationId }),
    tenant: publisher.tenant,
    headers: headersOf(options),
    data,
  };
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

function headersOf({ headers, idempotencyKey }: PublishOptions): Readonly<Record<string, string>> {
  if (idempotencyKey !== undefined) return { ...headers, idempotency_key: idempotencyKey };
  return headers === undefined ? NONE : { ...headers };
}

let lastMs = Number.NaN;
let lastIso = "";

/** Many events share a millisecond, so the last text is kept. */
function isoTime(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastIso = new Date(nowMs).toISOString();
    lastMs = nowMs;
  }
  return lastIso;
}

/** The first required header that is neither a field of the envelope nor among its headers. */
export function missingHeader({ requiredHeaders }: EventContract, envelope: Envelope): string | undefined {
  if (requiredHeaders.length === 0) return undefined;
  // Own properties only: every object inherits a "constructor".
  return requiredHeaders.find(
    (header) => !Object.hasOwn(envelope, header) && !Object.hasOwn(envelope.headers, header),
  );
}

/** Throws `invalid-event` when data or headers break the contract, as the publisher or as the receiver reads it. */
export function assertContract(
  contract: EventContract,
  envelope: Envelope,
  judge: "validate" | "validateReceived",
): void {
  const header = missingHeader(contract, envelope);
  if (header !== undefined) {
    const violation = { pointer: `/headers/${header}`, expected: "is required" };
    const ref = formatEventRef(contract.name, contract.version);
    throw new MeshError("invalid-event", `${ref} needs the header ${header}; the registry requires it`, {
      violations: [violation],
      schema: contract.schema,
    });
  }
  const { valid, violations } = contract[judge](envelope.data);
  if (valid) return;
  const ref = formatEventRef(contract.name, contract.version);
  const told = violations.map(
    ({ pointer, expected }) => `${pointer === "" ? "the data" : pointer} ${expected}`,
  );
  throw new MeshError("invalid-event", `${ref} breaks its schema ${contract.schema}: ${told.join("; ")}`, {
    violations,
    schema: contract.schema,
  });
}
