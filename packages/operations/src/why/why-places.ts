import type { NodeAddress } from "@adaos/core/wire";
import type { AwayServer, OpenServer } from "../hubs.ts";
import { type EventConsumer, type Standing, standingOf, streamAt } from "../standing/event-consumer.ts";
import { failuresAt } from "../standing/failures-at.ts";
import { type FoundEvent, findNear } from "../standing/find-anywhere.ts";
import { CLOCK_SKEW_MS, findStored } from "../stored/find-stored.ts";
import type { DurableFact, OutboxFact, StreamFact } from "./facts.ts";

/** The event that is asked about. */
export interface Sought {
  /** Undefined when no event of its kind was found. */
  readonly id?: string | undefined;
  readonly subject: string;
  /** Where it was found. */
  readonly seen?: FoundEvent | undefined;
  /** RFC 3339: it waits in its publisher's outbox. */
  readonly waitsSince?: string | undefined;
  readonly refused?: OutboxFact["refused"];
}

/** Looks for one event in the streams on its way. */
export class WhyPlaces {
  readonly #open: readonly OpenServer[];
  readonly #away: readonly AwayServer[];

  constructor(open: readonly OpenServer[], away: readonly AwayServer[]) {
    this.#open = open;
    this.#away = away;
  }

  /**
   * Whether a server's stream holds it. Looks where its neighbours lie.
   * @param isThorough Looks through all that came under its subject later, too.
   */
  async at({ id, subject, seen }: Sought, of: string, isThorough: boolean): Promise<StreamFact> {
    if (seen?.of === of) return { kind: "held", seq: seen.seq, storedAt: seen.stored_at };
    const server = this.#open.find((one) => one.of === of);
    if (server === undefined) {
      const reason = this.#away.find((one) => one.of === of)?.reason ?? "its server is on another machine";
      return { kind: "away", reason };
    }
    if (seen !== undefined && id !== undefined) {
      const since = new Date((Date.parse(seen.envelope.ts) || Date.parse(seen.stored_at)) - CLOCK_SKEW_MS);
      const found =
        (await findNear(server, id, subject)) ??
        (isThorough ? await findStored(server, streamAt(of), id, { since, subjects: [subject] }) : undefined);
      if (found !== undefined) return { kind: "held", seq: found.seq, storedAt: found.stored_at };
    }
    const { state } = await server.jsm.streams.info(streamAt(of));
    return { kind: "missing", firstAt: state.messages === 0 ? undefined : String(state.first_ts) };
  }

  /** Its state at a consumer of a stream; undefined when its place there is not known. */
  standingAt({ subject }: Sought, place: StreamFact, consumer: EventConsumer): Standing | undefined {
    if (place.kind !== "held") return undefined;
    return standingOf(consumer, { seq: place.seq, subject, storedMs: Date.parse(place.storedAt) });
  }

  /** The durables of a member, and what each has recorded of it. */
  async durablesOf(
    sought: Sought,
    { subnet, node }: NodeAddress,
    place: StreamFact & { readonly kind: "held" },
    consumers: readonly EventConsumer[],
  ): Promise<DurableFact[]> {
    const hub = this.#open.find((one) => one.of === subnet);
    if (hub === undefined) return [];
    const { records, letters, parked } = await failuresAt(hub, sought.id ?? "", place.seq);
    const own = consumers.filter(
      ({ kind, name }) => kind === "durable" && name.startsWith(`${subnet}/${node}/`),
    );
    return own.map((consumer) => {
      const isOf = (one: { readonly node: string; readonly durable: string }): boolean =>
        `${one.node}/${one.durable}` === consumer.name;
      return {
        consumer,
        standing: this.standingAt(sought, place, consumer) ?? "foreign",
        record: records.find(isOf),
        letter: letters.find(isOf),
        isParked: parked.includes(consumer.name),
      };
    });
  }
}
