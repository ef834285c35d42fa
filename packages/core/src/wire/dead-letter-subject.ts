import { DEAD_LETTER_ROOT } from "./names.ts";
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
