import { MeshError, type MeshErrorCode, type StartAt } from "@adaos/core";
import {
  type HubService,
  hubServiceSubject,
  type PeerClocks,
  type TimerDefinition,
  type TimerInfo,
  whyApart,
} from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";
import { clockIn, programHeaders, programIn } from "../connection/program-headers.ts";

/*
 * A member's requests to its hub, one service each. A member may not create consumers or read streams. With that right
 * it could overwrite another's consumer, or read events that policy keeps from it. So it asks its hub, which asks the
 * policy. The request's subject names the asking node (`hubServiceSubject`); the server lets nobody else publish there.
 */

/** `durable`: creates one, or updates it to these settings. */
export interface DurableRequest {
  readonly durable: string;
  /** Text of an event pattern. */
  readonly pattern: string;
  readonly from: { readonly subnet?: string; readonly node?: string };
  readonly maxAckPending: number;
  readonly startAt: StartAt;
  readonly answers: boolean;
}

export interface DurableReply {
  readonly stream: string;
  readonly consumer: string;
  readonly ackWaitMs: number;
}

/** `handlers`: whether a durable takes what the asking node publishes to this subject. */
export interface HandlersRequest {
  readonly subject: string;
}

export interface HandlersReply {
  readonly handlers: "some" | "none" | "unknown";
}

/** `reply`: the next stored reply to a request of the asking node. */
export interface StoredReplyRequest {
  readonly requestId: string;
  /** Place in the stream of the reply before; 0 for the first. */
  readonly after: number;
}

/** Empty when there is none yet. */
export interface StoredReply {
  readonly seq?: number;
  readonly subject?: string;
  /** The headers that travel with it. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyBase64?: string;
}

/** `registry`: what the hub serves, or a part of it. */
export interface RegistryRequest {
  /** A part of the document with this digest, from this byte on. Without it the answer has no part. */
  readonly part?: { readonly digest: string; readonly offset: number };
}

/** Empty while the hub has none. */
export interface RegistryReply {
  /** Hash of the registry's meaning. */
  readonly hash?: string;
  /** sha-256 in hex of the document, and its length. */
  readonly digest?: string;
  readonly bytes?: number;
  /** The requested part, unless the document has changed since. */
  readonly partBase64?: string;
}

/** A root's offer of its registry to a hub, with a part of it when the hub has asked for one. */
export interface RegistryOffer {
  /** The root daemon that offers. */
  readonly root: string;
  readonly hash: string;
  readonly digest: string;
  readonly bytes: number;
  readonly part?: { readonly offset: number; readonly base64: string };
}

/** The hub has it, wants the part that begins at an offset, or refuses it. */
export type RegistryOfferReply =
  | { readonly have: string }
  | { readonly next: number }
  | { readonly refused: string };

/** `park`: keep events that were delivered to a durable of the asking node until their schema is known. */
export interface ParkRequest {
  readonly durable: string;
  /** Their places in the subnet's stream. */
  readonly seqs: readonly number[];
}

export interface ParkReply {
  /** Events for which there is no room; the others are stored. */
  readonly refused: readonly number[];
}

/** `parked`: which events wait for their schema at a durable of the asking node, in alphabetical order. */
export interface ParkedRequest {
  readonly durable: string;
  /** The last event of the page before. */
  readonly after?: string;
}

export interface ParkedReply {
  /** `ui.notify@1`. */
  readonly events: readonly string[];
  /** There are more than these. */
  readonly more?: true;
}

/** `release`: gives the parked events of one name to the durable again, one page. */
export interface ReleaseRequest {
  readonly durable: string;
  readonly event: string;
  /** Place in the subnet's stream of the last event of the page before; 0 at first. */
  readonly after: number;
}

export interface ReleaseReply {
  readonly released: number;
  /** Where the next page begins; absent when all is done. */
  readonly next?: number;
}

/** `budget`: which subjects the asking node may not write now because it has written too much. */
export interface BudgetReply {
  readonly suspended: readonly Suspended[];
}

export interface Suspended {
  /** First token of the subjects: `evt`. */
  readonly root: string;
  readonly reason: string;
  /** A retry before this time is refused as well. */
  readonly retryAfterMs: number;
}

/** `timer`: makes, shows and changes timers of the asking node. */
export type TimerRequest =
  | { readonly op: "put"; readonly timer: TimerDefinition }
  /** A page of timers, in the order of their names. */
  | { readonly op: "list"; readonly after?: string }
  | { readonly op: "next"; readonly name: string; readonly count: number }
  | { readonly op: "show" | "remove" | "pause" | "resume" | "trigger"; readonly name: string }
  | {
      readonly op: "backfill";
      readonly name: string;
      readonly fromMs: number;
      readonly toMs: number;
      /** Id of the backfill: a second one with the same id publishes nothing twice. */
      readonly id: string;
      /** Only lists the times. */
      readonly dryRun: boolean;
    };

/** The fields of an answer depend on its request. */
export interface TimerReply {
  readonly timer?: TimerInfo;
  readonly timers?: readonly TimerInfo[];
  /** There are more than these. */
  readonly more?: true;
  readonly removed?: boolean;
  readonly event_id?: string;
  /** RFC 3339. */
  readonly times?: readonly string[];
}

/** A hub's report to its root about its stream of events. */
export interface StreamFillReply {
  readonly maxBytes: number;
  readonly usedBytes: number;
  /** Bytes by origin subnet; absent while the stream is nearly empty. */
  readonly held: Readonly<Record<string, number>>;
  /** By the hub's clock, milliseconds since the epoch. */
  readonly nowMs: number;
}

/** A root's message to a hub: the losses of the root's own stream, and its repairs of the hub's. */
export interface RefillRequest {
  /** The uplink has to begin again at this place of the hub's stream. */
  readonly resendFrom?: number;
  /** The loss of that id has been repaired, as far as possible. */
  readonly refilled?: string;
}

/** A hub's answer to its root. */
export interface RefillReply {
  /** The uplink begins again there. */
  readonly resentFrom?: number;
  /** The hub's stream has lost events that were stored after this time, RFC 3339. */
  readonly lost?: { readonly id: string; readonly since: string };
}

/** The reason, in place of an answer. */
export interface HubRefusal {
  readonly error: { readonly code: MeshErrorCode; readonly message: string; readonly rule?: string };
}

/**
 * Asks once. Rejects with the hub's refusal, or with `unavailable`: also when the hub's program speaks another
 * protocol.
 * @param clocks Notes the hub's clock, as that of `hub`.
 */
export async function askHub<T extends object>(
  { nc }: Connection,
  node: string,
  service: HubService,
  request: object,
  timeoutMs = 2000,
  clocks?: PeerClocks,
): Promise<T> {
  let reply: T | HubRefusal;
  let apart: string | undefined;
  const askedMs = Date.now();
  try {
    const answer = await nc.request(hubServiceSubject(node, service), JSON.stringify(request), {
      timeout: timeoutMs,
      headers: programHeaders(),
    });
    apart = whyApart("the hub", programIn(answer));
    clocks?.noteAnswer("hub", clockIn(answer), askedMs);
    reply = answer.json<T | HubRefusal>();
  } catch (cause) {
    throw new MeshError("unavailable", `the hub does not answer for ${service}`, { cause });
  }
  if (apart !== undefined) throw new MeshError("unavailable", apart);
  if (!("error" in reply)) return reply;
  const { code, message, rule } = reply.error;
  throw new MeshError(code, message, rule === undefined ? {} : { rule });
}
