import { type Logger, MeshError } from "@adaos/core";
import {
  assertTimer,
  type KeptTimer,
  newTimerState,
  parseTimerSubject,
  type Timer,
  type TimerState,
  timerAlarmFilter,
  timerSubject,
  timersStream,
} from "@adaos/core/wire";
import { type Connection, ifThere, storedMessages } from "@adaos/transport-nats";
import { headers, type JetStreamManager } from "nats";

/** The stored definition of a timer. */
type Definition = Omit<Timer, "owner"> & { readonly v: 1 };

const EMPTY = new Uint8Array();
const WRITE_MS = 10_000;

/**
 * Timers as the stream `TIMERS_<subnet>` keeps them, three messages each: the definition, the state, and the alarm. The
 * server rings the alarm at the nominal time, also while no daemon runs. An alarm that has rung stays in the stream.
 */
export class TimerBook {
  readonly #subnet: string;
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #log: Logger;

  constructor(subnet: string, connection: Connection, jsm: JetStreamManager, log: Logger) {
    this.#subnet = subnet;
    this.#connection = connection;
    this.#jsm = jsm;
    this.#log = log;
  }

  /** Rejects with `unavailable` or `timeout`. */
  async load(): Promise<KeptTimer[]> {
    const states = new Map<string, TimerState>();
    for await (const [key, state] of this.#read("state", readState)) states.set(key, state);
    const kept: KeptTimer[] = [];
    for await (const [key, definition, node] of this.#read("def", readDefinition)) {
      const { v: _, ...rest } = definition;
      const timer = { ...rest, owner: { subnet: this.#subnet, node } };
      const state = states.get(key);
      // A state from before the last change of the timer is not valid.
      const isItsOwn = state !== undefined && state.decidedMs >= timer.sinceMs;
      if (!isItsOwn) kept.push({ timer, state: newTimerState(timer.sinceMs) });
      // A clock that was ahead and is right now must not keep a timer silent until that time comes.
      else kept.push({ timer, state: { ...state, decidedMs: Math.min(state.decidedMs, Date.now()) } });
    }
    return kept;
  }

  async *#read<T>(
    part: "def" | "state",
    read: (value: unknown) => T,
  ): AsyncGenerator<readonly [key: string, value: T, node: string]> {
    const filter = timerSubject({ subnet: this.#subnet, node: "*" }, "*", part);
    for await (const { subject, body } of storedMessages(
      this.#connection,
      timersStream(this.#subnet),
      filter,
    )) {
      const named = parseTimerSubject(subject);
      if (named === undefined) continue;
      const key = `${named.node}/${named.timer}`;
      let value: T;
      try {
        value = read(JSON.parse(new TextDecoder().decode(body)));
      } catch (err) {
        // One that is damaged must not keep all others from firing.
        this.#log.error({ timer: key, part, err }, "timer unreadable");
        continue;
      }
      yield [key, value, named.node];
    }
  }

  /** Keeps a timer that is new or changed. Rejects with `unavailable`. */
  async keep({ timer, state }: KeptTimer, wakeAtMs: number | undefined): Promise<void> {
    const { owner: _, ...rest } = timer;
    const definition: Definition = { v: 1, ...rest };
    await this.#write(timer, "def", JSON.stringify(definition));
    await this.keepState({ timer, state }, wakeAtMs);
  }

  /** Stores the state of a timer, and when it rings next. Rejects with `unavailable`. */
  async keepState({ timer, state }: KeptTimer, wakeAtMs: number | undefined): Promise<void> {
    await Promise.all([this.#write(timer, "state", JSON.stringify(state)), this.#setAlarm(timer, wakeAtMs)]);
  }

  /** Rejects with the client's errors. */
  async forget(timer: Timer): Promise<void> {
    await this.#purge(timer, "*");
  }

  /** The number of subjects of the stream: two of each timer, and its alarms. Rejects with the client's errors. */
  async subjects(): Promise<number> {
    return (await this.#jsm.streams.info(timersStream(this.#subnet))).state.num_subjects ?? 0;
  }

  /** Calls `onAlarm` whenever the server rings one. The returned function ends that. */
  listen(onAlarm: (node: string, timer: string) => void): () => void {
    const subscription = this.#connection.nc.subscribe(timerAlarmFilter(this.#subnet), {
      callback: (error, { subject }) => {
        const [node, timer] = subject.split(".").slice(-2);
        if (error === null && node !== undefined && timer !== undefined) onAlarm(node, timer);
      },
    });
    return () => subscription.unsubscribe();
  }

  #setAlarm(timer: Timer, atMs: number | undefined): Promise<void> {
    if (atMs === undefined) return this.#purge(timer, "alarm");
    const set = headers();
    set.set("Nats-Schedule", `@at ${new Date(atMs).toISOString()}`);
    set.set("Nats-Schedule-Target", timerSubject(timer.owner, timer.name, "rung"));
    return this.#write(timer, "alarm", EMPTY, set);
  }

  async #write(
    { owner, name }: Timer,
    part: "def" | "state" | "alarm",
    body: string | Uint8Array,
    set = headers(),
  ): Promise<void> {
    const subject = timerSubject(owner, name, part);
    try {
      await this.#connection.nc.jetstream().publish(subject, body, { headers: set, timeout: WRITE_MS });
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", `${timersStream(this.#subnet)} takes no timers`);
    }
  }

  async #purge({ owner, name }: Timer, part: "alarm" | "*"): Promise<void> {
    const filter = timerSubject(owner, name, part);
    await ifThere("stream", this.#jsm.streams.purge(timersStream(this.#subnet), { filter }));
  }
}

/** Throws for what {@link TimerBook.keep} has not written. */
function readDefinition(value: unknown): Definition {
  const definition = value as Definition;
  assertTimer(definition);
  if (!Number.isSafeInteger(definition.sinceMs))
    throw new MeshError("internal", "the timer has no beginning");
  return definition;
}

function readState(value: unknown): TimerState {
  const state = value as TimerState;
  const { missed, overlap, paused, refused } = state.skipped;
  const counts = [state.decidedMs, state.fired, state.late, state.caughtUp, missed, overlap, paused, refused];
  if (!counts.every(Number.isSafeInteger))
    throw new MeshError("internal", "the state of the timer is damaged");
  return state;
}
