import type { Logger } from "@adaos/core";
import { ALERTS } from "@adaos/core/wire";
import type { ConsumerConfig, JetStreamManager, StreamInfo } from "nats";
import type { Connection } from "../connection/connection.ts";
import { ifThere } from "../connection/not-found.ts";
import { findConsumer } from "../pull/link-durable.ts";
import { ensureStream, makeStream, type StreamSettings } from "../stream/streams.ts";
import {
  compareStream,
  hasNewHoles,
  type LinkPlaces,
  type PlaceMark,
  type SeqRange,
  type StreamKeeping,
} from "./compare-stream.ts";
import { bringDurable, type DurablePosition, durablePosition } from "./durables-anew.ts";
import { PositionBook, type PositionFile } from "./position-book.ts";
import { listStreams, readStream, stateOf } from "./read-stream.ts";
import { damageKind, damageText, type StoreDamage } from "./store-damage.ts";

export interface StoreKeeperOptions {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  /** @default positions are forgotten when the daemon ends */
  readonly file: PositionFile | undefined;
  /** Called for each damage, after the repairs that are possible here. */
  readonly onDamage?: (damage: StoreDamage) => void;
  /** How far links have carried their sources into these streams, by name. */
  readonly linkPlaces?: () => Readonly<Record<string, number>>;
  readonly log: Logger;
}

/** Time between looks at the holes of streams while nothing seems wrong. */
const THOROUGH_MS = 60_000;
const MAX_TOLD = 16;
/** More than any server stores between two looks. */
const UNSEEN_PLACES = 1_000_000;

/**
 * Keeps the streams of one server. It creates missing streams, records the position of each, and finds streams that
 * lost messages, were cut or were created again. Durables that were lost with a stream continue from their positions.
 */
export class StoreKeeper {
  readonly #options: StoreKeeperOptions;
  readonly #book: PositionBook;
  readonly #unlisten: () => void;
  readonly #damages: StoreDamage[] = [];
  #links: LinkPlaces | undefined;
  /** Streams whose settings were compared since the last failure or change. */
  readonly #settled = new Set<string>();
  /** Streams that were missing and have been created again since the last look. */
  readonly #remade = new Set<string>();
  /** The server may have lost data: it was away, or this daemon has just started. */
  #isSuspect = true;
  #thoroughMs = Number.NEGATIVE_INFINITY;

  constructor(options: StoreKeeperOptions) {
    this.#options = options;
    this.#book = new PositionBook(options.file, options.log);
    this.#unlisten = options.connection.listen({
      onReconnect: () => {
        this.#isSuspect = true;
      },
    });
  }

  close(): void {
    this.#unlisten();
    this.#book.write();
  }

  /** The newest damages found since the daemon started. */
  get damages(): readonly StoreDamage[] {
    return this.#damages;
  }

  /** Settings have changed, or something failed: the next check compares them with the server's again. */
  unsettle(): void {
    this.#settled.clear();
  }

  /**
   * Creates missing streams, finds damage, and records the position of everything. Rejects with `unavailable` or
   * `invalid-config`; call it again then.
   */
  async check(wanted: readonly StreamSettings[]): Promise<ReadonlyMap<string, StreamInfo>> {
    const { jsm } = this.#options;
    const suspect = this.#isSuspect;
    const isThorough = suspect || performance.now() - this.#thoroughMs >= THOROUGH_MS;
    this.#isSuspect = false;
    const places = this.#options.linkPlaces?.();
    // Read before the stream's end, so that everything that the links have carried lies before that end.
    if (places !== undefined)
      this.#links = { at: new Date().toISOString(), places: { ...this.#links?.places, ...places } };
    try {
      let infos = await listStreams(jsm);
      const isBehind = await this.#ensure(wanted, infos);
      if (isBehind) infos = await listStreams(jsm);
      for (const settings of wanted) {
        const info = infos.get(settings.name);
        if (info !== undefined) await this.#look(settings, info, isThorough);
      }
      await this.#bookDurables(wanted, suspect);
      if (isThorough) this.#thoroughMs = performance.now();
      return infos;
    } catch (thrown) {
      this.#isSuspect = suspect || this.#isSuspect;
      throw thrown;
    }
  }

  /** Open requests to other nodes, by name; they survive the daemon. */
  get open(): ReadonlyMap<string, string> {
    return this.#book.open;
  }

  setOpen(name: string, value: string | undefined): void {
    this.#book.setOpen(name, value);
  }

  /** The places of links at the newest look before a time; undefined when none is known. */
  linkPlacesBefore(stream: string, timeMs: number): Readonly<Record<string, number>> | undefined {
    const marks = this.#book.of(stream)?.marks ?? [];
    return marks.findLast(({ links }) => links !== undefined && Date.parse(links.at) < timeMs)?.links?.places;
  }

  /** The place from which a missing durable continues; undefined when none of that name was known. */
  startOf(stream: string, consumer: string): number | undefined {
    return this.#book.startOf(stream, consumer);
  }

  /** Whether the stream was created again, so that its lost durables are about to be recreated. */
  async isAnew(stream: string): Promise<boolean> {
    const booked = this.#book.of(stream);
    if (booked === undefined) return false;
    return (await this.#options.jsm.streams.info(stream)).created !== booked.created;
  }

  noteDurable(stream: string, consumer: string, position: DurablePosition): void {
    this.#book.setDurable(stream, consumer, position);
    this.#book.write();
  }

  /** A durable of that name will start anew. */
  forgetDurable(stream: string, consumer: string): void {
    this.#book.forgetDurable(stream, consumer);
    this.#book.write();
  }

  /** Call it for a stream that was removed on purpose. */
  forget(stream: string): void {
    this.#book.forget(stream);
    this.#settled.delete(stream);
    this.#remade.delete(stream);
  }

  /** Resolves with whether a stream was created or changed. */
  async #ensure(wanted: readonly StreamSettings[], infos: ReadonlyMap<string, StreamInfo>): Promise<boolean> {
    const { jsm, log } = this.#options;
    let isBehind = false;
    for (const settings of wanted) {
      const { name } = settings;
      // A cluster leaves streams without a leader out of its list.
      const isThere = infos.has(name) || (await ifThere("stream", jsm.streams.info(name))) !== undefined;
      if (isThere && this.#settled.has(name)) continue;
      if (isThere) await ensureStream(jsm, settings);
      else {
        const lastSeq = this.#book.of(name)?.lastSeq ?? 0;
        await makeStream(jsm, settings, lastSeq === 0 ? 0 : lastSeq + UNSEEN_PLACES);
        if (this.#book.of(name) !== undefined) this.#remade.add(name);
        if (lastSeq > 0) log.error({ stream: name }, "stream recreated");
      }
      this.#settled.add(name);
      isBehind = true;
    }
    return isBehind;
  }

  async #look(settings: StreamSettings, info: StreamInfo, isThorough: boolean): Promise<void> {
    const { connection, jsm, log, onDamage } = this.#options;
    const { name } = settings;
    const state = stateOf(info);
    const booked = this.#book.of(name);
    if (booked === undefined) return this.#book.set(name, state, undefined, this.#links);
    const keeping = keepingOf(settings);
    const nowMs = Date.now();
    let damage = compareStream(booked, { state, storedAt: new Map() }, keeping, nowMs);
    if (isThorough || damage !== undefined || (keeping.isDense && hasNewHoles(booked, state))) {
      const reading = await readStream(connection, jsm, name, booked, state, keeping, this.#thoroughMs < 0);
      damage = compareStream(booked, reading, keeping, nowMs);
    }
    if (damage === undefined) return this.#book.set(name, state, undefined, this.#links);
    const lastSeq = { recorded: booked.lastSeq, now: state.lastSeq };
    const mark = markBefore(booked.marks, damage.lost);
    const found: StoreDamage = {
      stream: name,
      kind: damageKind(damage, lastSeq, this.#remade.has(name)),
      foundAt: new Date().toISOString(),
      ...damage,
      ...(mark === undefined ? {} : { mark }),
      durablesAnew: await this.#mend(name, damage.intactTo, booked.durables),
    };
    this.#remade.delete(name);
    this.#book.set(name, state, damage, this.#links);
    this.#book.noteLoss({ event: "store damaged", ...found });
    this.#book.write();
    log.error(
      { code: "store-damaged", rule: ALERTS.storeDamaged.name, ...found, what: damageText(found) },
      "store damaged",
    );
    this.#damages.push(found);
    this.#damages.splice(0, this.#damages.length - MAX_TOLD);
    onDamage?.(found);
  }

  /** Resolves with the durables that were recreated. */
  async #mend(
    stream: string,
    intactTo: number,
    durables: Readonly<Record<string, DurablePosition>>,
  ): Promise<readonly string[]> {
    const { jsm, log } = this.#options;
    const anew: string[] = [];
    for (const [consumer, recorded] of Object.entries(durables)) {
      const { position, isNew } = await bringDurable(jsm, stream, consumer, recorded, intactTo);
      if (!isNew) continue;
      log.warn({ stream, consumer, startSeq: position.floor + 1 }, "durable recreated");
      this.#book.setDurable(stream, consumer, position);
      anew.push(consumer);
    }
    return anew;
  }

  /**
   * Records the positions of durables. A durable that is gone was removed, and is forgotten. If the server was away
   * meanwhile, the durable was lost, and is recreated.
   */
  async #bookDurables(wanted: readonly StreamSettings[], mayBeLost: boolean): Promise<void> {
    const { jsm, log } = this.#options;
    for (const settings of wanted) {
      const { name } = settings;
      const booked = this.#book.of(name);
      if (booked === undefined || !keepingOf(settings).isDense) continue;
      const durables: Record<string, DurablePosition> = {};
      for await (const info of jsm.consumers.list(name)) {
        if (isDurable(info.config)) durables[info.name] = durablePosition(info);
      }
      const gone = Object.entries(booked.durables).filter(([consumer]) => durables[consumer] === undefined);
      for (const [consumer, recorded] of mayBeLost ? gone : []) {
        const { position, isNew } = await bringDurable(
          jsm,
          name,
          consumer,
          recorded,
          Number.POSITIVE_INFINITY,
        );
        if (isNew) log.error({ stream: name, consumer, startSeq: position.floor + 1 }, "durable was lost");
        durables[consumer] = position;
      }
      // A cluster leaves consumers without a leader out of its list.
      for (const [consumer, recorded] of mayBeLost ? [] : gone)
        if ((await findConsumer(jsm, name, consumer)) !== undefined) durables[consumer] = recorded;
      this.#book.setDurables(name, durables);
    }
    this.#book.write();
  }
}

function isDurable({ durable_name }: ConsumerConfig): boolean {
  return durable_name !== undefined;
}

/** How a stream with these settings loses messages as intended. Pure. */
export function keepingOf({ maxMessagesPerSubject, whenFull, maxAgeMs }: StreamSettings): StreamKeeping {
  return { isDense: maxMessagesPerSubject === undefined && whenFull !== "drop-oldest", maxAgeMs };
}

function markBefore(marks: readonly PlaceMark[], lost: readonly SeqRange[]): PlaceMark | undefined {
  const first = Math.min(...lost.map(({ from }) => from));
  return marks.findLast(({ seq }) => seq < first);
}
