import { MeshError, type MeshErrorCode, type StartAt } from "@adaos/core";
import { type HubService, hubServiceSubject, type TimerDefinition, type TimerInfo } from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";

/*
 * What a member asks its hub, one service each. A member may not create consumers or read streams: whoever may could
 * overwrite another's, or read what policy keeps from him. So it asks its hub, which asks the policy. The subject of
 * the request says who asks (`hubServiceSubject`); the server lets nobody else publish there.
 */

/** `durable`: make one, or bring it to these settings. */
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
  /** Place in the stream of the one before; 0 for the first. */
  readonly after: number;
}

/** Empty when there is none yet. */
export interface StoredReply {
  readonly seq?: number;
  readonly subject?: string;
  /** Those that travel with it. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyBase64?: string;
}

/** `registry`: what the hub serves, or a part of it. */
export interface RegistryRequest {
  /** A part of the document that has this digest, from this byte on. Not given: no part. */
  readonly part?: { readonly digest: string; readonly offset: number };
}

/** Empty while the hub has none. */
export interface RegistryReply {
  /** Names what the registry means. */
  readonly hash?: string;
  /** sha-256 in hex of the document, and its length. */
  readonly digest?: string;
  readonly bytes?: number;
  /** The part that was asked for, unless the document is another by now. */
  readonly partBase64?: string;
}

/** What the root offers a hub, and a part of it when the hub has asked for one. */
export interface RegistryOffer {
  /** The root daemon that offers. */
  readonly root: string;
  readonly hash: string;
  readonly digest: string;
  readonly bytes: number;
  readonly part?: { readonly offset: number; readonly base64: string };
}

/** The hub has it; wants the part that begins there; or will not have it. */
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
  /** Those for which there is no room; the others are stored. */
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

/** `release`: give those of one event to the durable again, a page of them. */
export interface ReleaseRequest {
  readonly durable: string;
  readonly event: string;
  /** Place in the subnet's stream of the last one of the page before; 0 at first. */
  readonly after: number;
}

export interface ReleaseReply {
  readonly released: number;
  /** Where to go on; nothing when all is done. */
  readonly next?: number;
}

/** `budget`: what the asking node may not write now because it has written too much. */
export interface BudgetReply {
  readonly suspended: readonly Suspended[];
}

export interface Suspended {
  /** First token of the subjects that are meant: `evt`. */
  readonly root: string;
  readonly reason: string;
  /** There is no use in trying before. */
  readonly retryAfterMs: number;
}

/** `timer`: makes, shows and changes timers of the asking node. */
export type TimerRequest =
  | { readonly op: "put"; readonly timer: TimerDefinition }
  /** A page of them, in the order of their names. */
  | { readonly op: "list"; readonly after?: string }
  | { readonly op: "next"; readonly name: string; readonly count: number }
  | { readonly op: "show" | "remove" | "pause" | "resume" | "trigger"; readonly name: string }
  | {
      readonly op: "backfill";
      readonly name: string;
      readonly fromMs: number;
      readonly toMs: number;
      /** Names the backfill: the same again publishes nothing twice. */
      readonly id: string;
      /** Only tells the times. */
      readonly dryRun: boolean;
    };

/** Each request's answer has the fields that it asks for. */
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

/** What a hub tells its root of its stream of events. */
export interface StreamFillReply {
  readonly maxBytes: number;
  readonly usedBytes: number;
  /** Bytes by the subnet that they came from; nothing while the stream is nearly empty. */
  readonly held: Readonly<Record<string, number>>;
  /** By the hub's clock, milliseconds since the epoch. */
  readonly nowMs: number;
}

/** What a root tells a hub of what its own stream has lost, and of what it has done for the hub's. */
export interface RefillRequest {
  /** The uplink is to begin again at this place of the hub's stream. */
  readonly resendFrom?: number;
  /** The loss of that id has been made good, as far as it could be. */
  readonly refilled?: string;
}

/** What a hub tells its root. */
export interface RefillReply {
  /** The uplink begins again there. */
  readonly resentFrom?: number;
  /** The hub's stream has lost events that were stored after this time, RFC 3339. */
  readonly lost?: { readonly id: string; readonly since: string };
}

/** Instead of an answer: why there is none. */
export interface HubRefusal {
  readonly error: { readonly code: MeshErrorCode; readonly message: string; readonly rule?: string };
}

/** Asks once. Rejects with the hub's refusal, or with `unavailable`. */
export async function askHub<T extends object>(
  { nc }: Connection,
  node: string,
  service: HubService,
  request: object,
  timeoutMs = 2000,
): Promise<T> {
  let reply: T | HubRefusal;
  try {
    const answer = await nc.request(hubServiceSubject(node, service), JSON.stringify(request), {
      timeout: timeoutMs,
    });
    reply = answer.json<T | HubRefusal>();
  } catch (cause) {
    throw new MeshError("unavailable", `the hub does not answer for ${service}`, { cause });
  }
  if (!("error" in reply)) return reply;
  const { code, message, rule } = reply.error;
  throw new MeshError(code, message, rule === undefined ? {} : { rule });
}
