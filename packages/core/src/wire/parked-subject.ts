import { MeshError } from "../language/errors.ts";
import { PARKED_ROOT } from "./names.ts";
import { EVENT_ROOT, type EventAddress, formatSubject, parseSubject } from "./subject.ts";

/**
 * Parked events are in a stream that only its hub writes. `parked.event.<place>` is the single copy of an event;
 * `parked.wait.<node>.<durable>.<place>` says that this durable waits for it. The place suffices to count, find and
 * order events without reading them: `<seq>.<stored ms>.<bytes>.<subnet>.<node>.<event name>.v<major>`.
 */

/** An event of a stream. The time tells it from an event with the same number in a recreated stream. */
export interface ParkedPlace {
  readonly seq: number;
  /** When the stream stored it; milliseconds since the epoch. */
  readonly storedMs: number;
  /** Size of its body. */
  readonly bytes: number;
  readonly address: EventAddress;
}

/** The two kinds of subjects in the stream. */
export type ParkedSubject =
  | { readonly kind: "event"; readonly place: string }
  | { readonly kind: "wait"; readonly node: string; readonly durable: string; readonly place: string };

/** The subjects of all copies. */
export const PARKED_EVENTS: string = `${PARKED_ROOT}.event.>`;

/** Pure. Throws `invalid-event` for an invalid address. */
export function formatParkedPlace({ seq, storedMs, bytes, address }: ParkedPlace): string {
  return `${seq}.${storedMs}.${bytes}.${formatSubject(address).slice(EVENT_ROOT.length + 1)}`;
}

/** Pure. Throws `invalid-event`. */
export function parseParkedPlace(place: string): ParkedPlace {
  const [, seq, storedMs, bytes, event] = /^(\d{1,16})\.(\d{1,16})\.(\d{1,10})\.(.+)$/.exec(place) ?? [];
  if (event === undefined)
    throw new MeshError("invalid-event", `${JSON.stringify(place)} is no place of an event`);
  const address = parseSubject(`${EVENT_ROOT}.${event}`);
  return { seq: Number(seq), storedMs: Number(storedMs), bytes: Number(bytes), address };
}

/** Subject of the copy of an event. */
export function parkedEventSubject(place: string): string {
  return `${PARKED_ROOT}.event.${place}`;
}

/** Subject that records that a durable waits for an event. */
export function parkedWaitSubject(
  of: { readonly node: string; readonly durable: string },
  place: string,
): string {
  return `${parkedWaitPrefix(of)}.${place}`;
}

/** Filter of everything that these durables wait for; wildcards may stand for node and durable. */
export function parkedWaitFilter(of: { readonly node: string; readonly durable: string }): string {
  return `${parkedWaitPrefix(of)}.>`;
}

/** Filter of all waits for the event at this place of the subnet's stream. */
export function parkedWaitsAtFilter(seq: number): string {
  return `${parkedWaitPrefix({ node: "*", durable: "*" })}.${seq}.>`;
}

/** Splits a subject of the stream; undefined for another subject. Pure. */
export function parseParkedSubject(subject: string): ParkedSubject | undefined {
  const [root, kind, ...rest] = subject.split(".");
  if (root !== PARKED_ROOT) return undefined;
  if (kind === "event") return { kind, place: rest.join(".") };
  const [node, durable, ...place] = rest;
  if (kind !== "wait" || node === undefined || durable === undefined) return undefined;
  return { kind, node, durable, place: place.join(".") };
}

function parkedWaitPrefix({ node, durable }: { readonly node: string; readonly durable: string }): string {
  return `${PARKED_ROOT}.wait.${node}.${durable}`;
}
