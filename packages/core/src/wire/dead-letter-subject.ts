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
