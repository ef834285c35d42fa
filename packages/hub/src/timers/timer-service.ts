import { type Logger, MeshError } from "@adaos/core";
import {
  assertTimer,
  backfillTimes,
  delay,
  every,
  type Figure,
  nominalTimes,
  type RateLimit,
  REAL_CLOCK,
  type TimerDefinition,
  type TimerInfo,
  TimerRunner,
  timerInfo,
} from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import type { TimerReply, TimerRequest } from "@adaos/transport-nats";
import { parseRequest } from "../services/parse-request.ts";
import { type DeclaredTimer, planDeclared } from "./plan-declared.ts";
import type { TimerBook } from "./timer-book.ts";
import type { TimerEvents } from "./timer-events.ts";
import type { TimerLimits } from "./timer-limits.ts";
import { timerRequestSchema } from "./timer-request.ts";
import { TimerRoom } from "./timer-room.ts";

/** The part of a hub's node file that concerns timers. */
export interface TimersOfFile {
  readonly declared: readonly DeclaredTimer[];
  readonly members: readonly string[];
  /** Limits of publishing, by member. */
  readonly rates: ReadonlyMap<string, readonly RateLimit[]>;
}

export interface TimerServiceOptions extends TimersOfFile {
  readonly subnet: string;
  readonly book: TimerBook;
  readonly events: TimerEvents;
  readonly limits: TimerLimits;
  /** Whether a node has left the subnet. */
  readonly isGone: (node: string) => boolean;
  /** The bytes of all definitions together. A full stream would drop some of them, which must never begin. */
  readonly maxDataBytes: number;
  readonly log: Logger;
}

const RETRY_MS = 500;
/** Between looks at whether the stream still has what it keeps. */
const LOOK_MS = 10_000;
/** The timers of one answer: a hundred of the largest are still a small message. */
const PAGE = 100;
const PAGE_BYTES = 262_144;

/** Keeps a subnet's timers, publishes their events, and answers those who ask for them. */
export class TimerService implements Part {
  readonly name = "timers";
  readonly #options: TimerServiceOptions;
  readonly #runner: TimerRunner;
  readonly #room: TimerRoom;
  #declared: readonly DeclaredTimer[];
  #members: ReadonlySet<string>;
  #unlisten: (() => void) | undefined;
  #stopLooking: () => void = () => undefined;
  #trouble: string | undefined = "is starting";
  #starting: Promise<void> = Promise.resolve();

  constructor(options: TimerServiceOptions) {
    const { book, events, log } = options;
    this.#options = options;
    this.#declared = options.declared;
    this.#members = new Set(options.members);
    options.limits.replace(options.rates);
    this.#room = new TimerRoom(options.subnet, options.maxDataBytes);
    this.#runner = new TimerRunner({
      clock: REAL_CLOCK,
      log,
      publish: (timer, fire, mayBeStored) => events.publish(timer, fire, mayBeStored),
      isRunning: (timer, state) => events.isRunning(timer, state),
      keep: async (kept, wakeAtMs) => {
        await book.keep(kept, wakeAtMs);
        this.#room.take(kept.timer);
      },
      keepState: (kept, wakeAtMs) => book.keepState(kept, wakeAtMs),
      forget: async (timer) => {
        await book.forget(timer);
        events.forget(timer);
        this.#room.free(timer);
      },
    });
  }

  /** A server that has just started may take a while to open its streams. */
  start(signal: AbortSignal): Promise<void> {
    this.#starting = this.#begin(signal);
    return this.#starting;
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { book, log } = this.#options;
    while (!signal.aborted) {
      try {
        const kept = await book.load();
        this.#unlisten?.();
        this.#unlisten = book.listen((node, timer) => this.#runner.wake(node, timer));
        for (const { timer } of kept) this.#room.take(timer);
        this.#runner.load(kept);
        this.#trouble = undefined;
        await this.#reconcile();
        this.#stopLooking = every(LOOK_MS, () => void this.#look());
        return;
      } catch (thrown) {
        const error = MeshError.from(thrown, "unavailable", "timers cannot be read");
        if (this.#trouble !== error.message) log.warn({ err: error }, "timers not loaded");
        this.#trouble = error.message;
        await delay(RETRY_MS, signal);
      }
    }
  }

  /** A purge of the stream reports no error to any reader: only the size of the stream shows the loss. */
  async #look(): Promise<void> {
    const { book, log } = this.#options;
    try {
      const size = this.#runner.size;
      if (size === 0 || (await book.subjects()) >= 2 * size) return;
      log.error({ timers: size }, "timers lost by their stream are written again");
      await this.keepAll();
    } catch (err) {
      log.debug({ err }, "stream of timers not looked at");
    }
  }

  async stop(): Promise<void> {
    this.#stopLooking();
    this.#unlisten?.();
    await this.#runner.stop();
  }

  health(): PartHealth {
    const details = { timers: this.#runner.size };
    if (this.#trouble === undefined) return { ready: true, details };
    return { ready: false, reason: this.#trouble, details };
  }

  figures(): readonly Figure[] {
    const { fires, skipped } = this.#runner.counts;
    return [
      { metric: "timers", value: this.#runner.size },
      ...Object.entries(fires).map(
        ([fire, value]): Figure => ({ metric: "timerFires", labels: [fire], value }),
      ),
      ...Object.entries(skipped).map(
        ([why, value]): Figure => ({ metric: "timerSkipped", labels: [why], value }),
      ),
      this.#missed(),
    ];
  }

  /** 0 while none is late, so that an alert of a daemon before this one ends. */
  #missed(): Figure {
    const { missed } = this.#runner;
    if (missed === undefined) return { metric: "timerMissed", value: 0 };
    const { timer, foundMs } = missed;
    const cause = `timer ${timer} was due more than a minute before ${iso(foundMs)}`;
    return { metric: "timerMissed", value: foundMs / 1000, cause };
  }

  /** The mesh file has changed: timers that did not change go on undisturbed. Rejects where a timer cannot be kept. */
  async refresh({ declared, members, rates }: TimersOfFile): Promise<void> {
    this.#declared = declared;
    this.#members = new Set(members);
    this.#options.limits.replace(rates);
    await this.#starting;
    await this.#reconcile();
  }

  /** The stream has lost what it kept: it is written again. */
  keepAll(): Promise<void> {
    return this.#runner.keepAll();
  }

  async #reconcile(): Promise<void> {
    const { subnet } = this.#options;
    const { put, remove } = planDeclared(this.#runner.list(), this.#declared, this.#options.isGone);
    for (const { node, name } of remove) await this.#runner.remove(node, name);
    for (const { node, definition } of put)
      await this.#runner.put({ ...definition, owner: { subnet, node }, isDeclared: true });
  }

  /** Answers a request of `node`. Rejects with MeshError. */
  async ask(node: string, body: unknown): Promise<TimerReply> {
    const request: TimerRequest = parseRequest(timerRequestSchema, body, "the request for a timer");
    if (this.#trouble !== undefined)
      throw new MeshError("unavailable", `the hub has not read its timers yet: ${this.#trouble}`);
    if (!this.#members.has(node)) throw new MeshError("denied", `${node} is no member any more`);
    switch (request.op) {
      case "put":
        return { timer: await this.#put(node, request.timer) };
      case "list":
        return this.#list(node, request.after);
      case "show":
        return { timer: this.#existing(node, request.name) };
      case "next": {
        const { timer } = this.#kept(node, request.name);
        return { times: nominalTimes(timer, Date.now(), request.count).map(iso) };
      }
      case "remove":
        this.#assertOwn(node, request.name);
        return { removed: await this.#runner.remove(node, request.name) };
      case "pause":
        return { timer: timerInfo(await this.#runner.pause(node, request.name)) };
      case "resume":
        return { timer: timerInfo(await this.#runner.resume(node, request.name)) };
      case "trigger":
        return { event_id: await this.#runner.trigger(node, request.name) };
      case "backfill": {
        const { name, fromMs, toMs, id, dryRun } = request;
        if (dryRun) {
          const { timer } = this.#kept(node, name);
          return { times: backfillTimes(timer, fromMs, toMs, Date.now()).map(iso) };
        }
        return { times: (await this.#runner.backfill(node, name, fromMs, toMs, id)).map(iso) };
      }
    }
  }

  async #put(node: string, definition: TimerDefinition): Promise<TimerInfo> {
    const { subnet, events } = this.#options;
    assertTimer(definition);
    events.assertAllowed({ subnet, node }, definition.event);
    this.#assertOwn(node, definition.name);
    this.#room.assertFor(node, definition);
    const owner = { subnet, node };
    return timerInfo(await this.#runner.put({ ...definition, owner, isDeclared: false }));
  }

  /** A timer of the mesh file is changed there. */
  #assertOwn(node: string, name: string): void {
    if (this.#runner.get(node, name)?.timer.isDeclared !== true) return;
    throw new MeshError(
      "usage",
      `timer ${name} of ${node} is in the mesh file; change it there, then adaos policy apply`,
    );
  }

  #kept(node: string, name: string) {
    const kept = this.#runner.get(node, name);
    if (kept === undefined)
      throw new MeshError("usage", `${node} has no timer ${name}; see adaos timer list`);
    return kept;
  }

  #existing(node: string, name: string): TimerInfo {
    return timerInfo(this.#kept(node, name));
  }

  #list(node: string, after = ""): TimerReply {
    const timers: TimerInfo[] = [];
    let bytes = 0;
    for (const kept of this.#runner.list()) {
      if (kept.timer.owner.node !== node || kept.timer.name <= after) continue;
      const info = timerInfo(kept);
      bytes += JSON.stringify(info).length;
      if (timers.length >= PAGE || (timers.length > 0 && bytes > PAGE_BYTES)) return { timers, more: true };
      timers.push(info);
    }
    return { timers };
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
