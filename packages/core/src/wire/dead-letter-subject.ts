import { DEAD_LETTER_ROOT, idToken } from "./names.ts";
import type { NodeAddress } from "./subject.ts";

/** The durable that a dead letter belongs to. */
export type LetterOwner = NodeAddress & { readonly durable: string };

/**
 * `dlq.<subnet>.<node>.<durable>.<own>`.
 * @param own A token that tells this dead letter from the durable's others.
 */
export function deadLetterSubject({ subnet, node, durable }: LetterOwner, own: string): string {
  return `${DEAD_LETTER_ROOT}.${subnet}.${node}.${durable}.${own}`;
}

/** The own token of the dead letter of an event at this place of a hub's stream. */
export function deadLetterOfEvent(eventId: string, seq: number): string {
  return `${seq}-${idToken(eventId)}`;
}

/** Filter of the dead letters that a subnet's durables have left of one event at one place. */
export function deadLettersOfEventFilter(subnet: string, eventId: string, seq: number): string {
  return deadLetterSubject({ subnet, node: "*", durable: "*" }, deadLetterOfEvent(eventId, seq));
}

/** Filter of the dead letters of one durable. */
export function deadLettersOf(owner: LetterOwner): string {
  return deadLetterSubject(owner, "*");
}

/**
 * The owner of the dead letter under this subject, as the server has authenticated it; undefined for another
 * subject. Pure.
 */
export function parseDeadLetterSubject(subject: string): LetterOwner | undefined {
  const [root, subnet, node, durable, own] = subject.split(".");
  if (root !== DEAD_LETTER_ROOT || subnet === undefined || node === undefined) return undefined;
  return durable === undefined || own === undefined ? undefined : { subnet, node, durable };
}
