import {
  DEAD_LETTER_ROOT,
  type DeadLetter,
  deadLetterStream,
  type LetterOwner,
  PARKED_EVENTS,
  parkedLetter,
  parkedStream,
  parkedWaitFilter,
  parseDeadLetterSubject,
  parseParkedPlace,
  parseParkedSubject,
} from "@adaos/core/wire";
import { type StoredFrom, type StoredMessage, storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { type FailureFilter, filterSubject, handlersOf, isOfEvent } from "../stored/failure-filter.ts";
import { deadLetterSchema, parseStored } from "../stored/parse-stored.ts";

/** A dead letter and where it is kept. */
export interface KeptDeadLetter {
  readonly subnet: string;
  readonly stream: string;
  /** Its place in that stream. */
  readonly kept: number;
  readonly entry: DeadLetter;
}

/** A dead letter without the event's bytes: small, and enough for a list. */
export type DeadLetterSummary = { readonly subnet: string } & Omit<DeadLetter, "message">;

export function summaryOf({ subnet, entry }: KeptDeadLetter): DeadLetterSummary {
  const { message: _, ...rest } = entry;
  return { subnet, ...rest };
}

/**
 * The dead letters of one subnet that the filter matches, oldest first; then what is parked, once for each durable.
 * @param from Where reading begins; of what is parked all is read.
 */
export async function* deadLetters(
  server: OpenServer,
  filter: FailureFilter = {},
  from?: StoredFrom,
): AsyncGenerator<KeptDeadLetter> {
  yield* failedLetters(server, filter, from);
  yield* parkedLetters(server, filter);
}

/**
 * Those whose handling has failed.
 * @param from Where reading begins.
 */
export async function* failedLetters(
  server: OpenServer,
  filter: FailureFilter = {},
  from?: StoredFrom,
): AsyncGenerator<KeptDeadLetter> {
  for await (const { letter } of foundFailures(server, filter, from)) if (letter !== undefined) yield letter;
}

/** The entry at one place of a stream of failures. */
export interface FoundLetter {
  readonly kept: number;
  /** The durable that it is of, where all of these lie in one stream and none is left out by the way of looking. */
  readonly owner: LetterOwner | undefined;
  /** Undefined when the filter does not match it, or when it cannot be read. */
  readonly letter: KeptDeadLetter | undefined;
}

/** As {@link deadLetters}, and what is not among them though it lies between. */
export async function* foundLetters(server: OpenServer, filter: FailureFilter): AsyncGenerator<FoundLetter> {
  yield* foundFailures(server, filter);
  for await (const letter of parkedLetters(server, filter))
    yield { kept: letter.kept, owner: undefined, letter };
}

async function* foundFailures(
  server: OpenServer,
  filter: FailureFilter,
  from?: StoredFrom,
): AsyncGenerator<FoundLetter> {
  const handlers = filterSubject(DEAD_LETTER_ROOT, server.of, filter);
  if (handlers === undefined) return;
  const stream = deadLetterStream(server.of);
  for await (const message of storedMessages(server.connection, stream, `${handlers}.>`, from)) {
    const letter = ownLetter(server.of, message);
    const isMatched = letter !== undefined && isMatchedBy(filter, letter.entry);
    const owner = parseDeadLetterSubject(message.subject);
    yield { kept: message.seq, owner, letter: isMatched ? letter : undefined };
  }
}

/**
 * The dead letter in a message of a subnet's stream. Undefined when it cannot be read, or names another owner than its
 * subject. Pure.
 */
export function ownLetter(subnet: string, message: StoredMessage): KeptDeadLetter | undefined {
  const entry = parseStored(message, deadLetterSchema);
  if (entry === undefined || !isOwn(entry, parseDeadLetterSubject(message.subject))) return undefined;
  return { subnet, stream: deadLetterStream(subnet), kept: message.seq, entry };
}

function isMatchedBy(filter: FailureFilter, { event_name, category }: DeadLetter): boolean {
  return isOfEvent(filter, event_name) && (filter.category ?? category) === category;
}

/** The wait of a durable for a parked event. */
export interface ParkedWait {
  readonly node: string;
  readonly durable: string;
  /** The place of the event. */
  readonly place: string;
  /** The place of this entry in the stream of parked events. */
  readonly kept: number;
}

/** The waits of durables for parked events, without the events. */
export async function* parkedWaits(
  server: OpenServer,
  filter: FailureFilter = {},
): AsyncGenerator<ParkedWait> {
  const handlers = handlersOf(server.of, filter);
  if (handlers === undefined || (filter.category ?? "transient") !== "transient") return;
  const [stream, subject] = [parkedStream(server.of), parkedWaitFilter(handlers)];
  for await (const message of storedMessages(server.connection, stream, subject)) {
    const told = parseParkedSubject(message.subject);
    if (told?.kind !== "wait" || !isOfEvent(filter, parseParkedPlace(told.place).address.name)) continue;
    yield { ...told, kept: message.seq };
  }
}

async function* parkedLetters(server: OpenServer, filter: FailureFilter): AsyncGenerator<KeptDeadLetter> {
  const { of: subnet } = server;
  const stream = parkedStream(subnet);
  const waits = new Map<string, ParkedWait[]>();
  for await (const wait of parkedWaits(server, filter)) {
    const others = waits.get(wait.place);
    if (others === undefined) waits.set(wait.place, [wait]);
    else others.push(wait);
  }
  if (waits.size === 0) return;
  for await (const copy of storedMessages(server.connection, stream, PARKED_EVENTS)) {
    const place = parseParkedSubject(copy.subject)?.place ?? "";
    for (const { node, durable, kept } of waits.get(place) ?? [])
      yield { subnet, stream, kept, entry: parkedLetter({ subnet, node, durable }, place, copy) };
  }
}

/** The subject says who wrote it: what claims to be another's would be given to that one's handler. */
function isOwn({ node, durable }: DeadLetter, owner: LetterOwner | undefined): boolean {
  return owner !== undefined && node === `${owner.subnet}/${owner.node}` && durable === owner.durable;
}
