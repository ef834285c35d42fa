import { MeshError } from "@adaos/core";
import {
  eventsStream,
  formatSubject,
  isEventId,
  isEventSubject,
  type NodeAddress,
  parseNodeAddress,
  parseSubject,
  ROOT_DOMAIN,
  subjectMatches,
} from "@adaos/core/wire";
import type { ServerLayout } from "@adaos/provision";
import { eventIdWithin, storedMessageAt } from "@adaos/transport-nats";
import { type AwayServer, type OpenServer, withAnswering } from "../hubs.ts";
import { type EventConsumer, eventConsumers } from "../standing/event-consumer.ts";
import { findAnywhere } from "../standing/find-anywhere.ts";
import { timeOfEventId } from "../stored/find-stored.ts";
import { envelopeSchema, parseStored, publishedAt } from "../stored/parse-stored.ts";
import { storedMetrics } from "../stored-metrics.ts";
import type {
  DurableFact,
  OutboxFact,
  PolicyAnswer,
  SeenDenial,
  SeenHealth,
  StreamFact,
  WhyFacts,
} from "./facts.ts";
import { linkRefusal, refusedOf } from "./local-traces.ts";
import { seenDenials } from "./seen-denials.ts";
import { type Sought, WhyPlaces } from "./why-places.ts";

/** Which event, and who should have it. */
export interface WhyQuestion {
  /** Either of one event… */
  readonly id?: string | undefined;
  /** … or the last one published of a name. */
  readonly event?: { readonly name: string; readonly version: number } | undefined;
  readonly from?: string | undefined;
  /** @default every member with a durable that takes it */
  readonly to?: string | undefined;
  readonly sinceMs: number;
}

/** The sources of facts beside the streams. */
export interface WhyWitnesses {
  readonly policy: (event: AskedEvent, from: string, to: string) => readonly PolicyAnswer[];
  readonly isInRegistry: (event: AskedEvent) => boolean;
  /** States that `adaos status` reports, by name: `alpha/kitchen`, `up alpha`. */
  readonly health: ReadonlyMap<string, SeenHealth>;
  /** The messages that wait on a member's disk. */
  readonly outbox: (member: string) => Promise<readonly { readonly id: string; readonly subject: string }[]>;
  /** Members of this machine. */
  readonly members: readonly string[];
  readonly refusedFile: (member: string) => string;
  readonly rootLogs: readonly string[];
}

interface AskedEvent {
  readonly name: string;
  readonly version: number;
}

/** The facts of each member that should have it, and who does not answer. */
export interface GatheredWhy {
  readonly facts: readonly WhyFacts[];
  readonly away: readonly AwayServer[];
}

/** Gathers what {@link WhyFacts} are made of. Rejects with `usage` when nothing is known of the event. */
export function gatherWhy(
  servers: readonly ServerLayout[],
  question: WhyQuestion,
  witnesses: WhyWitnesses,
): Promise<GatheredWhy> {
  return withAnswering(servers, async (open, away) => {
    const look = new Look(open, away, witnesses);
    const sought = question.id === undefined ? await look.last(question) : await look.byId(question.id);
    const targets = question.to === undefined ? await look.targetsOf(sought) : [question.to];
    const facts: WhyFacts[] = [];
    for (const to of targets) facts.push(await look.factsOf(sought, to, question.sinceMs));
    return { facts, away };
  });
}

/** One look at a mesh: answers are kept, so that the next member costs no second request. */
class Look {
  readonly #open: readonly OpenServer[];
  readonly #away: readonly AwayServer[];
  readonly #witnesses: WhyWitnesses;
  readonly #places: WhyPlaces;
  readonly #consumers = new Map<string, Promise<EventConsumer[]>>();
  readonly #denials = new Map<string, Promise<SeenDenial[]>>();

  constructor(open: readonly OpenServer[], away: readonly AwayServer[], witnesses: WhyWitnesses) {
    this.#open = open;
    this.#away = away;
    this.#witnesses = witnesses;
    this.#places = new WhyPlaces(open, away);
  }

  /** An event of this id: in a stream, or in an outbox. Rejects with `usage` when it is in neither. */
  async byId(id: string): Promise<Sought> {
    const found = await findAnywhere(this.#open, id);
    if (found !== undefined) {
      if (!isEventSubject(found.subject))
        throw new MeshError("usage", `${id} is a reply or a replay; ask adaos trace ${id}`);
      return { id, subject: found.subject, seen: found };
    }
    for (const member of this.#witnesses.members) {
      const waiting = await this.#witnesses.outbox(member);
      const kept = waiting.find((message) => eventIdWithin(message.id) === id);
      if (kept !== undefined) return { id, subject: kept.subject, waitsSince: madeAt(id) };
      const refused = await refusedOf(this.#witnesses.refusedFile(member), id);
      if (refused !== undefined) return { id, ...refused };
    }
    const missing = this.#away.map(({ of }) => `; ${of} does not answer`).join("");
    const hint = `adaos why EVENT --from subnet/member --to subnet/member tells of what was never stored`;
    const code = missing === "" ? "usage" : "unavailable";
    throw new MeshError(code, `no stream and no outbox holds ${JSON.stringify(id)}${missing}. ${hint}`);
  }

  /** The event of this name that a member has published last, if any. Rejects with `usage`. */
  async last({ event, from, sinceMs }: WhyQuestion): Promise<Sought> {
    if (event === undefined || from === undefined)
      throw new MeshError("usage", "an event has --from and --to");
    const address = parseNodeAddress(from);
    const subject = formatSubject({ ...address, ...event });
    const waiting = (await this.#witnesses.outbox(from)).findLast((message) => message.subject === subject);
    if (waiting !== undefined) {
      const id = eventIdWithin(waiting.id);
      return { id, subject, waitsSince: madeAt(id) };
    }
    const hub = this.#server(address.subnet);
    if (hub === undefined) return { subject };
    const stream = eventsStream(address.subnet);
    const last = await storedMessageAt(hub.connection, stream, { last_by_subj: subject });
    const envelope = last === undefined ? undefined : parseStored(last, envelopeSchema);
    const isMeant = last !== undefined && Date.parse(last.storedAt) >= sinceMs;
    if (envelope === undefined || !isMeant || (await this.#isDeniedSince(subject, last.storedAt)))
      return { subject };
    const { seq, storedAt: stored_at } = last;
    const seen = { of: address.subnet, stream, seq, subject, stored_at, envelope };
    // It becomes part of commands that a person may run.
    const id = isEventId(envelope.event_id) ? envelope.event_id : undefined;
    return { id, subject, seen };
  }

  /** Whether what was published last was not stored: then an older one is not what is asked about. */
  async #isDeniedSince(subject: string, storedAt: string): Promise<boolean> {
    const { subnet, node, name } = parseSubject(subject);
    const denials = await this.#denialsAt(subnet, Date.parse(storedAt));
    return denials.some(
      ({ hop, node: who, event, since }) =>
        hop === "publish" && who === `${subnet}/${node}` && event.includes(name) && since > storedAt,
    );
  }

  /** Members with a durable that takes events of this subject. */
  async targetsOf({ subject }: Sought): Promise<string[]> {
    const hubs = this.#open.filter(({ of }) => of !== ROOT_DOMAIN);
    const all = (await Promise.all(hubs.map(({ of }) => this.#consumersAt(of)))).flat();
    const meant = all.filter(
      ({ kind, filters }) => kind === "durable" && filters.some((filter) => subjectMatches(filter, subject)),
    );
    return [...new Set(meant.map(({ name }) => name.split("/").slice(0, 2).join("/")))].sort();
  }

  async factsOf(sought: Sought, to: string, sinceMs: number): Promise<WhyFacts> {
    const { subject, id, seen } = sought;
    const { subnet, node, name, version } = parseSubject(subject);
    const from = `${subnet}/${node}`;
    const target = parseNodeAddress(to);
    const { policy, isInRegistry, health } = this.#witnesses;
    const madeMs = id === undefined ? undefined : timeOfEventId(id);
    // It becomes part of a command that a person may run: never as its writer wrote it.
    const since =
      seen === undefined
        ? new Date(madeMs ?? sinceMs).toISOString()
        : publishedAt(seen.envelope.ts, seen.stored_at);
    const sinceOf = Math.min(Date.parse(since), sinceMs);
    const event = { name, version };
    const members = new Map([from, to].flatMap((who) => pair(who, health.get(who))));
    const [places, denials, failedPublishes] = await Promise.all([
      this.#placesOf(sought, target),
      this.#denialsOf(subnet, target.subnet, sinceOf),
      seen === undefined ? this.#failedPublishes({ subnet, node }, sinceMs) : new Map<string, number>(),
    ]);
    return {
      nowMs: Date.now(),
      event: { ...event, id },
      since,
      from,
      to,
      isInRegistry: isInRegistry(event),
      policy: policy(event, from, to),
      denials,
      failedPublishes,
      outbox: outboxFact(sought),
      rootLog: this.#witnesses.rootLogs[0],
      members,
      ...places,
    };
  }

  /** The places of the event on its way, and its state at each consumer there. */
  async #placesOf(
    sought: Sought,
    target: NodeAddress,
  ): Promise<Pick<WhyFacts, "origin" | "crossing" | "durables">> {
    const { subnet } = parseSubject(sought.subject);
    const origin = await this.#places.at(sought, subnet, true);
    if (target.subnet === subnet) return { origin, durables: await this.#durablesAt(sought, target, origin) };
    const up = await this.#link(sought, `up ${subnet}`, subnet, origin);
    const near = await this.#places.at(sought, target.subnet, false);
    // An event that a link has passed, and that is not near its neighbours, is searched for among all later events.
    const mayBeThere = origin.kind !== "held" || up.standing === "settled";
    const mesh =
      near.kind === "held"
        ? { kind: "missing" as const }
        : await this.#places.at(sought, ROOT_DOMAIN, mayBeThere);
    const down = await this.#link(sought, `down ${target.subnet}`, ROOT_DOMAIN, mesh);
    const isPassed = near.kind === "missing" && down.standing === "settled";
    const last = isPassed ? await this.#places.at(sought, target.subnet, true) : near;
    const durables = await this.#durablesAt(sought, target, last);
    return { origin, durables, crossing: { up, mesh, down, target: last } };
  }

  async #durablesAt(sought: Sought, target: NodeAddress, place: StreamFact): Promise<readonly DurableFact[]> {
    if (place.kind !== "held") return [];
    return this.#places.durablesOf(sought, target, place, await this.#consumersAt(target.subnet));
  }

  async #link(
    sought: Sought,
    name: string,
    of: string,
    source: WhyFacts["origin"],
  ): Promise<NonNullable<WhyFacts["crossing"]>["up"]> {
    const health = [...this.#witnesses.health].find(
      ([key]) => key === name || key.startsWith(`${name} (`),
    )?.[1];
    const consumer = (await this.#consumersAt(of)).find((one) => one.name === name);
    const waiting = consumer === undefined ? 0 : consumer.pending + consumer.unsettled;
    const standing = consumer && this.#places.standingAt(sought, source, consumer);
    const isPassed = standing === "settled" && source.kind === "held";
    const logs = isPassed ? this.#witnesses.rootLogs : [];
    for (const log of logs) {
      const refusal = await linkRefusal(log, `link ${name}`, source.kind === "held" ? source.seq : 0);
      if (refusal !== undefined) return { standing, waiting, health, refusal };
    }
    return { standing, waiting, health };
  }

  #server(of: string): OpenServer | undefined {
    return this.#open.find((server) => server.of === of);
  }

  #consumersAt(of: string): Promise<EventConsumer[]> {
    const server = this.#server(of);
    const known =
      this.#consumers.get(of) ?? (server === undefined ? Promise.resolve([]) : eventConsumers(server));
    this.#consumers.set(of, known);
    return known;
  }

  #denialsAt(subnet: string, sinceMs: number): Promise<SeenDenial[]> {
    const key = `${subnet} ${sinceMs}`;
    const server = this.#server(subnet);
    const known =
      this.#denials.get(key) ?? (server === undefined ? Promise.resolve([]) : seenDenials(server, sinceMs));
    this.#denials.set(key, known);
    return known;
  }

  async #denialsOf(origin: string, target: string, sinceMs: number): Promise<SeenDenial[]> {
    const subnets = [...new Set([origin, target])];
    const found = await Promise.all(subnets.map((subnet) => this.#denialsAt(subnet, sinceMs)));
    return found.flat().sort((a, b) => (a.since < b.since ? -1 : 1));
  }

  /** The failed publishes that a member's processes have counted since a time, by error code. */
  async #failedPublishes({ subnet, node }: NodeAddress, sinceMs: number): Promise<Map<string, number>> {
    const failed = new Map<string, number>();
    const hub = this.#server(subnet);
    if (hub === undefined) return failed;
    for await (const snapshot of storedMetrics(hub, sinceMs)) {
      if (snapshot.node !== `${subnet}/${node}`) continue;
      for (const [metric, [code = ""], count] of snapshot.counters)
        if (metric === "publishFailed") failed.set(code, (failed.get(code) ?? 0) + count);
    }
    return failed;
  }
}

function outboxFact({ waitsSince, refused }: Sought): OutboxFact {
  return { waitsSince, refused };
}

function madeAt(id: string): string {
  return new Date(timeOfEventId(id) ?? Date.now()).toISOString();
}

function pair(who: string, health: SeenHealth | undefined): [string, SeenHealth][] {
  return health === undefined ? [] : [[who, health]];
}
