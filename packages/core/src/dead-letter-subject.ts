import { formatEventRef, parseEventRef } from "./event-name.ts";
import { DEAD_LETTER_ROOT } from "./names.ts";
import { type NodeAddress, parseDeliverySubject } from "./subject.ts";

/*
 * `dlq.<subnet>.<node>.<durable>.<own>`; of what is parked `.parked.<event name>.v<major>` follows, so that a hub finds
 * what waits for a schema without reading dead letters.
 */

const PARKED = "parked";

/** Whose dead letters. */
export type LetterOwner = NodeAddress & { readonly durable: string };

/** @param own A token that tells this dead letter from the durable's others. */
export function deadLetterSubject({ subnet, node, durable }: LetterOwner, own: string): string {
  return `${DEAD_LETTER_ROOT}.${subnet}.${node}.${durable}.${own}`;
}

/** @param deliverySubject Of the event that is parked. Throws `invalid-event` when it is none. */
export function parkedSubject(owner: LetterOwner, own: string, deliverySubject: string): string {
  const { name, version } = parseDeliverySubject(deliverySubject);
  return `${deadLetterSubject(owner, own)}.${PARKED}.${name}.v${version}`;
}

/** The subjects of everything that is parked at a durable, or of one event: `ui.notify@1`. Throws `usage`. */
export function parkedFilter(owner: LetterOwner, event?: string): string {
  if (event === undefined) return `${deadLetterSubject(owner, "*")}.${PARKED}.>`;
  const { name, version } = parseEventRef(event);
  return `${deadLetterSubject(owner, "*")}.${PARKED}.${name}.v${version ?? "*"}`;
}

/** The event that is parked under this subject, or nothing where none is. Pure. */
export function parkedEvent(subject: string): string | undefined {
  const tokens = subject.split(".");
  const version = Number(tokens.at(-1)?.slice(1));
  if (tokens[0] !== DEAD_LETTER_ROOT || tokens[5] !== PARKED || !Number.isInteger(version)) return undefined;
  return formatEventRef(tokens.slice(6, -1).join("."), version);
}
