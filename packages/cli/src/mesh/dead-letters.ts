import { readSeed } from "@adaos/config";
import {
  type DeadLetter,
  deadLetterStream,
  eventsStream,
  MeshError,
  ROOT_DOMAIN,
  replayOf,
} from "@adaos/core";
import { type Connection, openConnection, StreamPublisher } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import type { Layout, ServerLayout } from "./layout.ts";

/** A dead letter and where it is kept. */
export interface KeptDeadLetter {
  readonly subnet: string;
  /** Its place in the dead letter stream. */
  readonly kept: number;
  readonly entry: DeadLetter;
}

/** What to look for; what is not given matches all. */
export interface DeadLetterFilter {
  readonly node?: string;
  readonly durable?: string;
  readonly category?: string;
  readonly event?: string;
  /** Before this time, milliseconds since the epoch. */
  readonly beforeMs?: number;
}

export function matchesFilter({ entry }: KeptDeadLetter, filter: DeadLetterFilter): boolean {
  return (
    (filter.node === undefined || entry.node === filter.node) &&
    (filter.durable === undefined || entry.durable === filter.durable) &&
    (filter.category === undefined || entry.category === filter.category) &&
    (filter.event === undefined || entry.event_name === filter.event) &&
    (filter.beforeMs === undefined || Date.parse(entry.at) < filter.beforeMs)
  );
}

/** The dead letters of one subnet, with the hub's own rights. */
export class DeadLetterDesk {
  readonly subnet: string;
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #publisher: StreamPublisher;

  private constructor(subnet: string, connection: Connection, jsm: JetStreamManager) {
    this.subnet = subnet;
    this.#connection = connection;
    this.#jsm = jsm;
    this.#publisher = new StreamPublisher(connection);
  }

  /** Rejects with `unavailable`. */
  static async open(server: ServerLayout): Promise<DeadLetterDesk> {
    const silent = (): void => undefined;
    const connection = await openConnection({
      url: server.url,
      name: "adaos events dlq",
      user: "operator",
      seed: readSeed(server.seedFile),
      log: { debug: silent, info: silent, warn: silent, error: silent },
    });
    return new DeadLetterDesk(
      server.of,
      connection,
      await connection.nc.jetstreamManager({ checkAPI: false }),
    );
  }

  /** Every dead letter, oldest first. */
  async *all(): AsyncGenerator<KeptDeadLetter> {
    const stream = deadLetterStream(this.subnet);
    const { state } = await this.#jsm.streams.info(stream);
    if (state.messages === 0) return;
    const consumer = await this.#connection.nc.jetstream().consumers.get(stream);
    const messages = await consumer.consume({ expires: 5000 });
    for await (const message of messages) {
      yield { subnet: this.subnet, kept: message.seq, entry: message.json<DeadLetter>() };
      if (message.info.pending === 0) return;
    }
  }

  /**
   * Gives the event to its durable again, then takes the dead letter away. Cut short between the two, a second run makes
   * the same event id again. Rejects with `invalid-event` when the dead letter holds no event.
   */
  async replay({ entry, kept }: KeptDeadLetter): Promise<string> {
    const message = replayOf(entry);
    const { stream } = await this.#publisher.publish(message);
    if (stream !== eventsStream(this.subnet)) throw new MeshError("internal", `replayed into ${stream}`);
    await this.remove(kept);
    return message.id;
  }

  async remove(kept: number): Promise<void> {
    await this.#jsm.streams.deleteMessage(deadLetterStream(this.subnet), kept, false);
  }

  async close(): Promise<void> {
    await this.#publisher.close();
    await this.#connection.close();
  }
}

/** The hub servers of these subnets; of all when none is named. Throws `usage`. */
export function hubServers(layout: Layout, subnet: string | undefined): readonly ServerLayout[] {
  const hubs = layout.servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const wanted = hubs.filter(({ of }) => subnet === undefined || of === subnet);
  if (wanted.length > 0) return wanted;
  const known = hubs.map(({ of }) => of).join(", ");
  throw new MeshError("usage", `no subnet ${JSON.stringify(subnet)} in this mesh; there are ${known}`);
}
