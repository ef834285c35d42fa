import {
  EVENT_ROOT,
  eventsStream,
  MESH_STREAM,
  ROOT_DOMAIN,
  subjectMatches,
  subjectsOf,
} from "@adaos/core/wire";
import type { ServerLayout } from "@adaos/provision";
import { type AwayServer, type OpenServer, withAnswering } from "../hubs.ts";
import { type EventConsumer, eventConsumers } from "../standing/event-consumer.ts";
import { storedHeaders } from "../stored/stored-headers.ts";
import { refusedAtLinks } from "../why/local-traces.ts";
import { Account, type LedgerRow } from "./balance.ts";
import { failuresOf, fateAt, type KnownMarks, marksAtHub } from "./durable-fates.ts";
import { eventsOf, type LedgerEvent, ledgerKey } from "./ledger-event.ts";
import { fateOnWay, type LinkWay } from "./link-fates.ts";

/** The sources of facts beside the streams. */
export interface LedgerWitnesses {
  /** Whether policy lets events of this subject, an event's, come to a member of another subnet. */
  readonly isLetThrough: (subject: string, to: string) => boolean;
  /** The effects that a member has marked on its disk; none when the disk is another machine's. */
  readonly marks: (member: string) => Promise<KnownMarks>;
  readonly rootLogs: readonly string[];
}

export interface Ledger {
  readonly rows: readonly LedgerRow[];
  readonly away: readonly AwayServer[];
  /** Events of hubs that could not be followed: a server on their way does not answer. */
  readonly unfollowed: number;
  /** There were more events than are counted; a shorter time counts all of them. */
  readonly isCut: boolean;
}

/** The maximum of events of one origin at one hub. */
const MAX_EVENTS = 500_000;
/** Events of a target may be stored a little earlier than at their origin, by its clock. */
const CLOCK_SKEW_MS = 60_000;

/**
 * The accounts of all durables. Each event that was published for a durable since a time has one fate there. Later
 * places on an event's way are read later, so that an event that moves meanwhile is never missed. Rejects with
 * `timeout`.
 */
export function gatherLedger(
  servers: readonly ServerLayout[],
  sinceMs: number,
  witnesses: LedgerWitnesses,
): Promise<Ledger> {
  return withAnswering(servers, async (open, away) => {
    const hubs = open.filter(({ of }) => of !== ROOT_DOMAIN);
    const root = open.find(({ of }) => of === ROOT_DOMAIN);
    const look = new Look(new Date(sinceMs), hubs, root, witnesses);
    await look.readOrigins();
    await look.readRoot();
    const rows: LedgerRow[] = [];
    for (const hub of hubs) rows.push(...(await look.accountsAt(hub)));
    return { rows, away, unfollowed: look.unfollowed, isCut: look.isCut };
  });
}

/** A durable and what its member has marked. */
interface Handler {
  readonly consumer: EventConsumer;
  readonly known: KnownMarks;
  readonly member: string;
}

class Look {
  readonly #since: Date;
  readonly #hubs: readonly OpenServer[];
  readonly #root: OpenServer | undefined;
  readonly #witnesses: LedgerWitnesses;
  readonly #origins = new Map<string, readonly LedgerEvent[]>();
  readonly #uplinks = new Map<string, EventConsumer | undefined>();
  readonly #downlinks = new Map<string, EventConsumer>();
  #atRoot: ReadonlyMap<string, number> | undefined;
  #refused: ReadonlySet<string> = new Set();
  unfollowed = 0;
  isCut = false;

  constructor(
    since: Date,
    hubs: readonly OpenServer[],
    root: OpenServer | undefined,
    witnesses: LedgerWitnesses,
  ) {
    this.#since = since;
    this.#hubs = hubs;
    this.#root = root;
    this.#witnesses = witnesses;
  }

  async readOrigins(): Promise<void> {
    for (const hub of this.#hubs) {
      this.#origins.set(hub.of, await this.#events(hub, hub.of, this.#since));
      const up = (await eventConsumers(hub)).find(({ kind }) => kind === "link");
      this.#uplinks.set(hub.of, up);
    }
  }

  async readRoot(): Promise<void> {
    if (this.#root === undefined) return;
    const atRoot = new Map<string, number>();
    const query = { since: this.#since, subject: subjectsOf(EVENT_ROOT) };
    for await (const header of storedHeaders(this.#root, MESH_STREAM, query))
      atRoot.set(ledgerKey(header), header.seq);
    this.#atRoot = atRoot;
    for (const link of await eventConsumers(this.#root))
      this.#downlinks.set(link.name.replace(/^down /, ""), link);
    this.#refused = await refusedAtLinks(this.#witnesses.rootLogs);
  }

  /** Every durable of one subnet. */
  async accountsAt(hub: OpenServer): Promise<LedgerRow[]> {
    const { of } = hub;
    const arrived = new Map<string, LedgerEvent>();
    const skewed = new Date(this.#since.getTime() - CLOCK_SKEW_MS);
    for (const origin of this.#origins.keys()) {
      if (origin === of) continue;
      for (const event of await this.#events(hub, origin, skewed)) arrived.set(ledgerKey(event), event);
    }
    const { state } = await hub.jsm.streams.info(eventsStream(of));
    const consumers = (await eventConsumers(hub)).filter(({ kind }) => kind === "durable");
    const failures = await failuresOf(hub);
    const marks = await this.#marksAt(hub, consumers);
    return consumers.map((consumer) => {
      const account = new Account(consumer.name);
      const member = consumer.name.split("/").slice(0, 2).join("/");
      const known = marks.get(member) ?? { has: () => false };
      const settle = (event: LedgerEvent): void => {
        const fate = fateAt(consumer, event, failures, known);
        const place = `${eventsStream(of)} ${event.seq}`;
        if (fate !== undefined) account.add(fate, { id: event.id, place });
      };
      for (const event of this.#origins.get(of) ?? []) settle(event);
      for (const [origin, events] of this.#origins) {
        if (origin === of) continue;
        const way = this.#way(origin, of, Date.parse(String(state.first_ts)) || Number.NEGATIVE_INFINITY);
        for (const event of events) {
          const here = arrived.get(ledgerKey(event));
          if (here !== undefined) settle(here);
          else this.#settleOnWay(account, { consumer, known, member }, event, way);
        }
      }
      return account.row();
    });
  }

  #settleOnWay(
    account: Account,
    { consumer, known, member }: Handler,
    event: LedgerEvent,
    way: LinkWay,
  ): void {
    const { filters, begins, name } = consumer;
    const { id, subject, seq, storedMs, key } = event;
    if (!filters.some((filter) => subjectMatches(filter, subject))) return;
    const place = `${eventsStream(way.from)} ${seq}`;
    // It was there, and has left the stream since.
    if (key !== undefined && known.has(name.split("/")[2] ?? "", key))
      return account.add("handled", { id, place });
    // It would have come before the durable began.
    if (begins.kind === "time" && storedMs < begins.ms) return;
    if (!this.#witnesses.isLetThrough(subject, member)) {
      account.add("denied", { id, place });
      return;
    }
    const told = fateOnWay(event, way);
    if (told === undefined) this.unfollowed++;
    else account.add(told.fate, told.at);
  }

  #way(from: string, to: string, targetSinceMs: number): LinkWay {
    return {
      from,
      up: this.#uplinks.get(from),
      down: this.#downlinks.get(to),
      atRoot: this.#atRoot,
      refused: this.#refused,
      targetSinceMs,
    };
  }

  /** Marks are read last of all: an event that was settled before has been marked before. */
  async #marksAt(
    hub: OpenServer,
    consumers: readonly EventConsumer[],
  ): Promise<ReadonlyMap<string, KnownMarks>> {
    const nodes = [...new Set(consumers.map(({ name }) => name.split("/")[1] ?? ""))];
    const found = nodes.map(async (node): Promise<[string, KnownMarks]> => {
      const member = `${hub.of}/${node}`;
      const [own, atHub] = await Promise.all([
        this.#witnesses.marks(member),
        marksAtHub(hub, node, new Date(this.#since.getTime() - CLOCK_SKEW_MS)),
      ]);
      return [member, { has: (durable, key) => own.has(durable, key) || atHub.has(durable, key) }];
    });
    return new Map(await Promise.all(found));
  }

  async #events(hub: OpenServer, origin: string, since: Date): Promise<LedgerEvent[]> {
    const found: LedgerEvent[] = [];
    for await (const event of eventsOf(hub, origin, since, MAX_EVENTS)) found.push(event);
    if (found.length >= MAX_EVENTS) this.isCut = true;
    return found;
  }
}
