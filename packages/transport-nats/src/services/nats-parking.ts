import type { EventParking } from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";
import {
  askHub,
  type ParkedReply,
  type ParkedRequest,
  type ParkReply,
  type ParkRequest,
  type ReleaseReply,
  type ReleaseRequest,
} from "./hub-requests.ts";

/** Timeout of requests for which the hub reads and writes before it answers. */
const HUB_MS = 5000;

/** The hub parks events for its members. Uses a connection and does not own it. */
export class NatsParking implements EventParking {
  readonly #connection: Connection;
  readonly #node: string;

  constructor(connection: Connection, node: string) {
    this.#connection = connection;
    this.#node = node;
  }

  async park(durable: string, seqs: readonly number[]): Promise<ReadonlySet<number>> {
    const request: ParkRequest = { durable, seqs };
    const { refused } = await askHub<ParkReply>(this.#connection, this.#node, "park", request, HUB_MS);
    return new Set(refused);
  }

  async parked(durable: string): Promise<readonly string[]> {
    const all: string[] = [];
    for (let after: string | undefined; ; after = all.at(-1)) {
      const request: ParkedRequest = after === undefined ? { durable } : { durable, after };
      const reply = await askHub<ParkedReply>(this.#connection, this.#node, "parked", request, HUB_MS);
      all.push(...reply.events);
      if (reply.more !== true || reply.events.length === 0) return all;
    }
  }

  async release(durable: string, event: string): Promise<number> {
    let released = 0;
    for (let after = 0; ; ) {
      const request: ReleaseRequest = { durable, event, after };
      const reply = await askHub<ReleaseReply>(this.#connection, this.#node, "release", request, HUB_MS);
      released += reply.released;
      if (reply.next === undefined || !(reply.next > after)) return released;
      after = reply.next;
    }
  }
}
