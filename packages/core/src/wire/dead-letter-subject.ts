import { DEAD_LETTER_ROOT, idToken } from "./names.ts";
import type { NodeAddress } from "./subject.ts";

/** Whose dead letters. */
export type LetterOwner = NodeAddress & { readonly durable: string };

/**
 * `dlq.<subnet>.<node>.<durable>.<own>`.
 * @param own A token that tells this dead letter from the durable's others.
 */
export function deadLetterSubject({ subnet, node, durable }: LetterOwner, own: string): string {
  return `${DEAD_LETTER_ROOT}.${subnet}.${node}.${durable}.${own}`;
}

/** The own token of the dead letter that an event at this place of a hub's stream leaves. */
export function deadLetterOfEvent(eventId: string, seq: number): string {
  return `${seq}-${idToken(eventId)}`;
}

/** Filter of what the durables of a subnet have left of one event at one place. */
export function deadLettersOfEventFilter(subnet: string, eventId: string, seq: number): string {
  return deadLetterSubject({ subnet, node: "*", durable: "*" }, deadLetterOfEvent(eventId, seq));
}

/** Filter of the dead letters of one durable. */
export function deadLettersOf(owner: LetterOwner): string {
  return deadLetterSubject(owner, "*");
}

/** Whose dead letter lies under this subject, as the server has authenticated it; nothing where it is none. Pure. */
export function parseDeadLetterSubject(subject: string): LetterOwner | undefined {
  const [root, subnet, node, durable, own] = subject.split(".");
  if (root !== DEAD_LETTER_ROOT || subnet === undefined || node === undefined) return undefined;
  return durable === undefined || own === undefined ? undefined : { subnet, node, durable };
}
