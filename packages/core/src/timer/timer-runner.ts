import { MeshError } from "../language/errors.ts";
import { quote } from "../language/event-name.ts";
import type { Clock } from "../time/clock.ts";
import type { Logger } from "../transport.ts";
import { backfillTimes } from "./backfill.ts";
import { afterStep, decideFires, jitterOf, LATE_MS, MAX_COUNTED, type TimerStep } from "./decide-fires.ts";
import {
  definitionOf,
  isSameTimer,
  newTimerState,
  nextNominal,
  nominalTimes,
  type SkippedFires,
  type Timer,
  type TimerState,
} from "./timer.ts";
import { type TimerFire, timerEventId } from "./timer-event.ts";

/** A timer and how far it has come. */
export interface KeptTimer {
  readonly timer: Timer;
  readonly state: TimerState;
}

/** Where timers are kept, and what publishes their events. */
export interface TimerPorts {
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Resolves when the event is stored. Rejects with `denied`, `invalid-event` or `too-large` for one that will never
   * be; with anything else it is tried again.
   * @param mayBeStored A process before this one may have published it.
   */
  publish(timer: Timer, fire: TimerFire, mayBeStored: boolean): Promise<void>;
  /** Whether the event of its last fire is unsettled at a durable of the subnet. */
  isRunning(timer: Timer, state: TimerState): Promise<boolean>;
  /** Keeps a timer that is new or changed, with its state. */
  keep(kept: KeptTimer, wakeAtMs: number | undefined): Promise<void>;
  /** Keeps how far a timer has come, and sets its alarm. */
  keepState(kept: KeptTimer, wakeAtMs: number | undefined): Promise<void>;
  forget(timer: Timer): Promise<void>;
}

/** What a runner has done since it began. */
export interface TimerCounts {
  readonly fires: Readonly<Record<TimerFire["kind"], number>>;
  readonly skipped: SkippedFires;
}

/** A timer that did not fire within the time in which a fire is merely late. */
export interface MissedTimer {
  /** `kitchen/morning` */
  readonly timer: string;
  readonly foundMs: number;
}

interface Entry extends KeptTimer {
  state: TimerState;
  /** Fires of which its state does not know may be published: by a process before this one, or in vain as it seemed. */
  mayBeStored: boolean;
  cancel: (() => void) | undefined;
}

const RETRY_MS = 1000;
/** Within one subnet. */
export const MAX_TIMERS = 20_000;
const NEVER_PUBLISHED: ReadonlySet<string> = new Set(["denied", "invalid-event", "too-large"]);

/**
 * Publishes the events of timers at their times, each once. It keeps nothing itself: whoever runs it anew with what was
 * kept goes on where it stood.
 */
export class TimerRunner {
  readonly #ports: TimerPorts;
  readonly #entries = new Map<string, Entry>();
  /** What is done for timers of one name is done in turn, also while one takes the place of another. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #isStopped = false;
  #triggers = 0;
  readonly #fires = { "on-time": 0, late: 0, "caught-up": 0, triggered: 0, backfill: 0 };
  readonly #skipped = { missed: 0, overlap: 0, paused: 0, refused: 0 };
  #missed: MissedTimer | undefined;

  constructor(ports: TimerPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#entries.size;
  }

  get counts(): TimerCounts {
    return { fires: this.#fires, skipped: this.#skipped };
  }

  /** The timer that was last found to be later than a fire may be. */
  get missed(): MissedTimer | undefined {
    return this.#missed;
  }

  /** Every timer, by node and name. */
  list(): KeptTimer[] {
    return [...this.#entries.keys()].sort().flatMap((key) => this.#entries.get(key) ?? []);
  }

  get(node: string, name: string): KeptTimer | undefined {
    return this.#entries.get(keyOf(node, name));
  }

  /** Goes on with timers that were kept. */
  load(kept: Iterable<KeptTimer>): void {
    for (const { timer, state } of kept) {
      const key = keyOf(timer.owner.node, timer.name);
      this.#entries.get(key)?.cancel?.();
      const entry: Entry = {
        timer,
        state,
        mayBeStored: true,
        cancel: undefined,
      };
      this.#entries.set(key, entry);
      void this.#inTurn(key, () => this.#fireDue(entry));
    }
  }

  /**
   * Makes a timer, or changes it; one that fires the same already is left alone. Resolves with how it stands. Rejects
   * with `backpressure`, or as {@link TimerPorts.keep} does.
   */
  put(wanted: Omit<Timer, "sinceMs">): Promise<KeptTimer> {
    return this.#inTurn(keyOf(wanted.owner.node, wanted.name), () => this.#put(wanted));
  }

  async #put(wanted: Omit<Timer, "sinceMs">): Promise<KeptTimer> {
    const key = keyOf(wanted.owner.node, wanted.name);
    const before = this.#entries.get(key);
    if (before !== undefined && isSame(before.timer, wanted)) return before;
    if (before === undefined && this.#entries.size >= MAX_TIMERS)
      throw new MeshError(
        "backpressure",
        `${wanted.owner.subnet} has ${MAX_TIMERS} timers; remove some first`,
      );
    const sinceMs = sinceOf(wanted, this.#ports.clock.now());
    const timer: Timer = { ...wanted, sinceMs };
    const state = { ...newTimerState(sinceMs), isPaused: before?.state.isPaused ?? false };
    const entry: Entry = { timer, state, mayBeStored: false, cancel: undefined };
    const wakeAtMs = this.#wakeAt(entry);
    await this.#ports.keep(entry, wakeAtMs);
    this.#entries.set(key, entry);
    before?.cancel?.();
    this.#arm(entry, wakeAtMs);
    return entry;
  }

  /** Resolves with whether there was one. */
  remove(node: string, name: string): Promise<boolean> {
    const key = keyOf(node, name);
    return this.#inTurn(key, async () => {
      const entry = this.#entries.get(key);
      if (entry === undefined) return false;
      await this.#ports.forget(entry.timer);
      entry.cancel?.();
      this.#entries.delete(key);
      return true;
    });
  }

  /** Keeps every timer once more: what kept them has lost them. Rejects never. */
  async keepAll(): Promise<void> {
    for (const key of [...this.#entries.keys()])
      await this.#inTurn(key, async () => {
        const entry = this.#entries.get(key);
        // One that was removed meanwhile must not come back.
        if (entry !== undefined) await this.#ports.keep(entry, this.#wakeAt(entry));
      }).catch((err: unknown) => this.#ports.log.error({ timer: key, err }, "timer not kept"));
  }

  pause(node: string, name: string): Promise<KeptTimer> {
    return this.#change(node, name, (entry) => {
      if (!entry.state.isPaused) entry.state = { ...entry.state, isPaused: true };
    });
  }

  /** What would have fired meanwhile is skipped. */
  resume(node: string, name: string): Promise<KeptTimer> {
    return this.#change(node, name, (entry) => {
      const { timer, state } = entry;
      if (!state.isPaused) return;
      // What its jitter puts off beyond now is still to come.
      const lastMs = Math.max(state.decidedMs, this.#ports.clock.now() - jitterOf(timer));
      const count = nominalTimes(timer, state.decidedMs, MAX_COUNTED, lastMs).length;
      const skip: TimerStep = { kind: "skip", reason: "paused", count, decidedMs: lastMs };
      entry.state = { ...afterStep(state, skip), isPaused: false };
      this.#skipped.paused += count;
    });
  }

  /** Fires now, whatever the schedule says. Resolves with the id of the event. */
  trigger(node: string, name: string): Promise<string> {
    return this.#inTurn(keyOf(node, name), async () => {
      const { timer } = this.#existing(node, name);
      // Two within a millisecond are two events.
      const by = `trigger ${this.#triggers++}`;
      const fire: TimerFire = { nominalMs: this.#ports.clock.now(), kind: "triggered", by };
      await this.#ports.publish(timer, fire, false);
      this.#fires.triggered++;
      return timerEventId(timer, fire);
    });
  }

  /**
   * Fires at every nominal time after `fromMs`, up to `toMs`. Resolves with these times. Rejects with `usage` for more
   * than {@link MAX_BACKFILL}, and for times to come.
   * @param by Names the backfill: the same again publishes nothing twice.
   */
  async backfill(
    node: string,
    name: string,
    fromMs: number,
    toMs: number,
    by: string,
  ): Promise<readonly number[]> {
    return this.#inTurn(keyOf(node, name), async () => {
      const { timer } = this.#existing(node, name);
      const times = backfillTimes(timer, fromMs, toMs, this.#ports.clock.now());
      for (const nominalMs of times) {
        await this.#ports.publish(timer, { nominalMs, kind: "backfill", by }, true);
        this.#fires.backfill++;
      }
      return times;
    });
  }

  /** Looks at a timer now: its alarm has rung. */
  wake(node: string, name: string): void {
    const key = keyOf(node, name);
    const entry = this.#entries.get(key);
    if (entry !== undefined) void this.#inTurn(key, () => this.#fireDue(entry));
  }

  /** Fires nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { cancel } of this.#entries.values()) cancel?.();
    await Promise.allSettled(this.#turns.values());
  }

  #existing(node: string, name: string): Entry {
    const entry = this.#entries.get(keyOf(node, name));
    if (entry !== undefined) return entry;
    throw new MeshError("usage", `${node} has no timer ${quote(name)}; see adaos timer list`);
  }

  #change(node: string, name: string, change: (entry: Entry) => void): Promise<KeptTimer> {
    return this.#inTurn(keyOf(node, name), async () => {
      const entry = this.#existing(node, name);
      const before = entry.state;
      change(entry);
      if (entry.state === before) return entry;
      const wakeAtMs = this.#wakeAt(entry);
      await this.#ports.keepState(entry, wakeAtMs).catch((thrown: unknown) => {
        entry.state = before;
        throw thrown;
      });
      this.#arm(entry, wakeAtMs);
      return entry;
    });
  }

  #inTurn<T>(key: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(act);
    const ended = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(key) === ended) this.#turns.delete(key);
      });
    this.#turns.set(key, ended);
    return turn;
  }

  #wakeAt({ timer, state }: KeptTimer): number | undefined {
    if (state.isPaused || (timer.times !== undefined && state.fired >= timer.times)) return undefined;
    const next = nextNominal(timer, state.decidedMs);
    return next === undefined ? undefined : next + jitterOf(timer);
  }

  #arm(entry: Entry, wakeAtMs: number | undefined): void {
    entry.cancel?.();
    entry.cancel = undefined;
    if (wakeAtMs === undefined || this.#isStopped) return;
    entry.cancel = this.#ports.clock.at(wakeAtMs, () => {
      void this.#inTurn(keyOf(entry.timer.owner.node, entry.timer.name), () => this.#fireDue(entry));
    });
  }

  /** Never rejects: what fails is tried again. */
  async #fireDue(entry: Entry): Promise<void> {
    const { clock, log } = this.#ports;
    if (this.#isStopped || this.#entries.get(keyOf(entry.timer.owner.node, entry.timer.name)) !== entry)
      return;
    try {
      const asks = entry.timer.overlap !== "allow" && entry.state.last !== undefined;
      const isRunning = asks && (await this.#ports.isRunning(entry.timer, entry.state));
      const { steps, wakeAtMs } = decideFires(entry.timer, entry.state, clock.now(), isRunning);
      this.#noteMissed(entry.timer, steps);
      const before = entry.state;
      let thrown: unknown;
      for (const step of steps) {
        if (this.#isStopped) return;
        try {
          entry.state = await this.#take(entry, step);
        } catch (failed) {
          thrown = failed;
          break;
        }
      }
      // One that failed may be stored all the same, unless it had to wait.
      entry.mayBeStored = thrown !== undefined && !isWaiting(thrown);
      await this.#keep(entry, before, thrown === undefined ? wakeAtMs : clock.now() + RETRY_MS);
      if (thrown !== undefined) throw thrown;
      this.#arm(entry, wakeAtMs);
    } catch (err) {
      // Many wait together for a member's rate or for a full stream: the reason is told elsewhere.
      log[isWaiting(err) ? "debug" : "warn"]({ ...named(entry.timer), err }, "timer not fired yet");
      this.#arm(entry, clock.now() + RETRY_MS);
    }
  }

  #noteMissed(timer: Timer, steps: readonly TimerStep[]): void {
    const isMissed = steps.some((step) =>
      step.kind === "skip" ? step.reason === "missed" : step.kind === "fire" && step.fire === "caught-up",
    );
    if (isMissed) this.#missed = { ...named(timer), foundMs: this.#ports.clock.now() };
  }

  async #keep(entry: Entry, before: TimerState, wakeAtMs: number | undefined): Promise<void> {
    const isOver = wakeAtMs === undefined && !entry.state.isPaused;
    // One that is in the mesh file stays known: the next look at the file must not begin it anew.
    if (isOver && !entry.timer.isDeclared) {
      await this.#ports.forget(entry.timer);
      this.#entries.delete(keyOf(entry.timer.owner.node, entry.timer.name));
    } else if (entry.state !== before) await this.#ports.keepState(entry, wakeAtMs);
  }

  async #take(entry: Entry, step: TimerStep): Promise<TimerState> {
    const { timer, state } = entry;
    if (step.kind === "skip") {
      this.#skipped[step.reason] += step.count;
      this.#ports.log.info({ ...named(timer), reason: step.reason, count: step.count }, "timer skipped");
      return afterStep(state, step);
    }
    if (step.kind === "buffer") return afterStep(state, step);
    const fire: TimerFire = { nominalMs: step.nominalMs, kind: step.fire };
    try {
      await this.#ports.publish(timer, fire, entry.mayBeStored);
    } catch (thrown) {
      if (!(thrown instanceof MeshError) || !NEVER_PUBLISHED.has(thrown.code)) throw thrown;
      const why = { code: thrown.code, rule: thrown.rule, reason: thrown.message };
      this.#ports.log.warn({ ...named(timer), ...why }, "timer refused");
      this.#skipped.refused++;
      return afterStep(state, { kind: "skip", reason: "refused", count: 1, decidedMs: step.decidedMs });
    }
    this.#fires[step.fire]++;
    if (step.fire !== "on-time") {
      const scheduledAt = new Date(step.nominalMs).toISOString();
      const level = step.fire === "late" ? "debug" : "info";
      this.#ports.log[level]({ ...named(timer), fire: step.fire, scheduledAt }, "timer fired late");
    }
    return afterStep(state, step, timerEventId(timer, fire));
  }
}

/**
 * From when a timer counts that is made now. A single time may have passed on its way here, or be past by this clock
 * only: it fires late. Throws `usage` for one that is missed. In the mesh file it has been, and stays.
 */
function sinceOf({ schedule, isDeclared, name }: Omit<Timer, "sinceMs">, nowMs: number): number {
  if (schedule.kind !== "at" || isDeclared || schedule.atMs > nowMs) return nowMs;
  if (nowMs - schedule.atMs <= LATE_MS) return Math.max(0, schedule.atMs - 1);
  throw new MeshError(
    "usage",
    `the time of timer ${quote(name)} is past: ${new Date(schedule.atMs).toISOString()}`,
  );
}

function isSame(timer: Timer, wanted: Omit<Timer, "sinceMs">): boolean {
  return timer.isDeclared === wanted.isDeclared && isSameTimer(definitionOf(timer), definitionOf(wanted));
}

function named({ owner, name }: Timer): { readonly timer: string } {
  return { timer: `${owner.node}/${name}` };
}

function keyOf(node: string, name: string): string {
  return `${node}/${name}`;
}

function isWaiting(thrown: unknown): boolean {
  return thrown instanceof MeshError && thrown.code === "backpressure";
}
