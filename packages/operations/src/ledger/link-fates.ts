import { eventsStream, MESH_STREAM } from "@adaos/core/wire";
import type { EventConsumer } from "../standing/event-consumer.ts";
import type { Fate, MissingEvent } from "./balance.ts";
import { type LedgerEvent, ledgerKey } from "./ledger-event.ts";

/** How far the way from one subnet to another is known. */
export interface LinkWay {
  readonly from: string;
  /** The link out of the origin; undefined when its hub does not answer. */
  readonly up: EventConsumer | undefined;
  /** The link to the target; undefined when the root does not answer. */
  readonly down: EventConsumer | undefined;
  /** Where the root's stream holds each of the origin's events; undefined when the root does not answer. */
  readonly atRoot: ReadonlyMap<string, number> | undefined;
  /** Events that links have refused: `up alpha 17`. */
  readonly refused: ReadonlySet<string>;
  /** When the target's stream stored its oldest message, milliseconds since the epoch. */
  readonly targetSinceMs: number;
}

/**
 * The fate of an event that policy lets through and that its target does not hold. Undefined when a server on its way
 * does not answer, since its fate is unknown then. Pure.
 */
export function fateOnWay(event: LedgerEvent, way: LinkWay): { fate: Fate; at: MissingEvent } | undefined {
  const { from, up, down, atRoot, refused, targetSinceMs } = way;
  const { id, seq, storedMs } = event;
  const atOrigin = { id, place: `${eventsStream(from)} ${seq}` };
  if (up === undefined) return undefined;
  if (seq > up.settledSeq) return { fate: "pending", at: atOrigin };
  if (refused.has(`${up.name} ${seq}`)) return { fate: "denied", at: atOrigin };
  if (atRoot === undefined || down === undefined) return undefined;
  const rootSeq = atRoot.get(ledgerKey(event));
  if (rootSeq === undefined) return { fate: "missing", at: atOrigin };
  const there = { id, place: `${MESH_STREAM} ${rootSeq}` };
  if (rootSeq > down.settledSeq) return { fate: "pending", at: there };
  if (refused.has(`${down.name} ${rootSeq}`)) return { fate: "denied", at: there };
  return { fate: storedMs < targetSinceMs ? "expired" : "missing", at: there };
}
