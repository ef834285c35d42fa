import { hash } from "node:crypto";
import type { Envelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { quote } from "../language/event-name.ts";
import { RecentMap } from "../language/recent-map.ts";
import { TimeLimit } from "../time/time-limit.ts";
import type { IdempotencyStore, Marks, MarksPlace } from "../transport.ts";
import type { EventAddress } from "../wire/subject.ts";

/**
 * Names the effect of an event: two events of the same name and node, with the same `idempotency_key` (else
 * `event_id`), mean the same effect. The node is the authenticated one: no other can name the effect of this one's
 * events and so make them go unhandled. Pure. 32 hex digits.
 */
export function effectKey(
  envelope: Pick<Envelope, "event_id" | "tenant" | "headers">,
  { subnet, node, name, version }: EventAddress,
): string {
  const key = envelope.headers["idempotency_key"] ?? envelope.event_id;
  // JSON keeps the parts apart, whatever they hold.
  const named = JSON.stringify([subnet, node, envelope.tenant, name, version, key]);
  return hash("sha256", named, "hex").slice(0, 32);
}

/** The store failed, not the handler: whether the effect has happened is to be asked again later. */
export class StoreTrouble extends Error {
  override readonly name = "StoreTrouble";
}

/** An effect that is to happen once. */
export interface Effect {
  /** As {@link effectKey} names it. */
  readonly key: string;
  /** When the stream that delivers stored the event. */
  readonly storedMs: number;
  /** Runs the effect, and passes its errors on. */
  run(transaction: unknown): unknown;
  /** Called when the effect has happened and is being marked: another may begin. */
  onDone(): void;
}

/** Lets each effect at one durable happen once, also when two deliveries mean the same at the same time. */
export interface Once {
  /**
   * Resolves with whether it ran, once that is remembered. Throws or rejects with what the effect does, or with
   * {@link StoreTrouble}.
   */
  run(effect: Effect): boolean | Promise<boolean>;
}

/** Effects that happened here and could not be marked yet. */
const UNMARKED_REMEMBERED = 10_000;

/** Looks for a mark before the effect and marks after it. */
export class MarkedOnce implements Once {
  readonly #marks: Marks;
  readonly #durable: string;
  readonly #isStrict: boolean;
  /** Keys whose effect runs or is being marked, and who waits for the end of that. */
  readonly #running = new Map<string, (() => void)[] | undefined>();
  /** Effects that wait to learn whether they are marked: effects behind them must not run before them. */
  #asking = 0;
  /** Done here, but the mark is not stored: a redelivery must not repeat the effect. */
  readonly #unmarked = new RecentMap<string, true>(UNMARKED_REMEMBERED);
  /** Whether that holds any: nearly always it does not. */
  #hasUnmarked = false;

  /** @param isStrict No effect begins before the one before it is marked. */
  constructor(marks: Marks, durable: string, isStrict = false) {
    this.#marks = marks;
    this.#durable = durable;
    this.#isStrict = isStrict;
  }

  run(effect: Effect): boolean | Promise<boolean> {
    const { key, storedMs } = effect;
    if (this.#running.has(key)) return this.#others(key).then(() => this.run(effect));
    this.#running.set(key, undefined);
    if (this.#hasUnmarked && this.#unmarked.get(key) === true) return this.#mark(key).then(() => false);
    let known: boolean | Promise<boolean>;
    try {
      known = this.#marks.has(this.#durable, key, storedMs);
    } catch (cause) {
      throw this.#failed(key, cause);
    }
    if (!(known instanceof Promise) && this.#asking === 0) return this.#goOn(known, effect);
    this.#asking++;
    return Promise.resolve(known).then(
      (isKnown) => {
        this.#asking--;
        return this.#goOn(isKnown, effect);
      },
      (cause) => {
        this.#asking--;
        throw this.#failed(key, cause);
      },
    );
  }

  #goOn(isKnown: boolean, effect: Effect): boolean | Promise<boolean> {
    const { key } = effect;
    if (isKnown) {
      this.#end(key);
      return false;
    }
    let returned: unknown;
    try {
      returned = effect.run(undefined);
    } catch (thrown) {
      this.#end(key);
      throw thrown;
    }
    if (!(returned instanceof Promise)) return this.#mark(key, effect);
    return returned.then(
      () => this.#mark(key, effect),
      (thrown) => {
        this.#end(key);
        throw thrown;
      },
    );
  }

  #mark(key: string, effect?: Effect): Promise<true> {
    const kept = this.#marks.mark(this.#durable, key, this.#isStrict);
    effect?.onDone();
    return kept.then(
      () => {
        if (this.#hasUnmarked) this.#unmarked.delete(key);
        this.#end(key);
        return true;
      },
      (cause) => {
        this.#unmarked.set(key, true);
        this.#hasUnmarked = true;
        throw this.#failed(key, cause);
      },
    );
  }

  #others(key: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#running.get(key);
      if (waiting === undefined) this.#running.set(key, [resolve]);
      else waiting.push(resolve);
    });
  }

  #end(key: string): void {
    const waiting = this.#running.get(key);
    this.#running.delete(key);
    if (waiting !== undefined) for (const go of waiting) go();
  }

  #failed(key: string, cause: unknown): StoreTrouble {
    this.#end(key);
    return new StoreTrouble("the marks of what was handled failed", { cause });
  }
}

/** Leaves both to a store of the user's own. */
export class JoinedOnce implements Once {
  readonly #store: IdempotencyStore;
  readonly #durable: string;
  readonly #limit: TimeLimit;
  readonly #running = new Map<string, Promise<unknown>>();

  /** @param maxMs Longest run of the store with the effect in it: one that hangs must not hold an event for ever. */
  constructor(store: IdempotencyStore, durable: string, maxMs: number) {
    this.#store = store;
    this.#durable = durable;
    this.#limit = new TimeLimit("the idempotency store", maxMs);
  }

  /** The effect is done when its transaction is: `onDone` is not called before. */
  async run(effect: Effect): Promise<boolean> {
    const { key } = effect;
    for (let other = this.#running.get(key); other !== undefined; other = this.#running.get(key)) {
      await other.catch(() => undefined);
    }
    const running = this.#run(effect);
    this.#running.set(key, running);
    try {
      return await running;
    } finally {
      this.#running.delete(key);
    }
  }

  async #run(effect: Effect): Promise<boolean> {
    let failed = false;
    try {
      return await this.#limit.run(() =>
        this.#store.once(this.#durable, effect.key, async (transaction) => {
          try {
            await effect.run(transaction);
          } catch (thrown) {
            failed = true;
            throw thrown;
          }
        }),
      );
    } catch (thrown) {
      if (failed) throw thrown;
      throw new StoreTrouble("the idempotency store failed", { cause: thrown });
    }
  }
}

/** Where a bus keeps marks: one place, or one for each choice; no choice means the node's own. */
export type MarksChoice = Marks | ((place: MarksPlace | undefined) => Marks);

const MARKS_PLACES: ReadonlySet<string> = new Set<MarksPlace>(["member", "hub"]);
/** The time that a store of the user's own may take, beyond the handler's own time. */
const STORE_MS = 30_000;

/** How a subscription's effects happen once. Throws `usage` for a choice that is none. */
export function onceOf(
  idempotency: IdempotencyStore | MarksPlace | "off" | undefined,
  { durable, maxConcurrency, timeoutMs }: { durable: string; maxConcurrency: number; timeoutMs: number },
  marks: MarksChoice,
): Once | "off" {
  if (idempotency === "off") return "off";
  if (typeof idempotency === "object") return new JoinedOnce(idempotency, durable, timeoutMs + STORE_MS);
  if (idempotency !== undefined && !MARKS_PLACES.has(idempotency)) {
    throw new MeshError(
      "usage",
      `idempotency must be member, hub, off or a store, not ${quote(idempotency)}`,
    );
  }
  return new MarkedOnce(
    typeof marks === "function" ? marks(idempotency) : marks,
    durable,
    maxConcurrency === 1,
  );
}
