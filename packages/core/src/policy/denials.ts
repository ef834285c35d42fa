import { newEventId } from "../language/event-id.ts";
import { daemonMessage } from "../publish/daemon-event.ts";
import type { Publisher } from "../publish/publish.ts";
import type { Logger, Message } from "../transport.ts";
import { TokenBucket } from "./token-bucket.ts";

/** The event that reports denials. */
export const POLICY_DENIED = "mesh.policy.denied";

/** Something that the policy did not allow. */
export interface Denial {
  readonly hop: "publish" | "subscribe" | "reply" | "export" | "import";
  /** The acting node `alpha/kitchen`, or a subnet. */
  readonly node: string;
  /** The event or the pattern. */
  readonly event: string;
  /** With `import`: the subnet in which the event was published. */
  readonly from?: string;
  /** The denied event, where there is one: of several the last. */
  readonly eventId?: string;
  readonly rule: string;
  readonly reason: string;
  /** Normal operation: no rule forbids it explicitly. Such a denial is reported less and less often. */
  readonly isEveryday?: true;
}

/** `address` is that of the reporting daemon. */
export interface DenialsOptions extends Pick<Publisher, "address" | "tenant" | "signatures"> {
  readonly publish: (message: Message) => Promise<unknown>;
  readonly log: Logger;
}

interface Counted {
  denial: Denial;
  /** Denials since the last report. */
  count: number;
  sinceMs: number;
  /** When it was last reported, and the pause before the next report. */
  reportedMs: number;
  pauseMs: number;
}

/** Least pause between reports of the same denial; denials meanwhile are counted. */
const AGAIN_MS = 10_000;
/** Longest pause of an everyday denial, which doubles its pauses. */
const MAX_AGAIN_MS = 3_600_000;
const TICK_MS = 1000;
/** Limit of all reports together: a client that tries a thousand names must not fill the stream. */
const REPORTS_PER_SECOND = 5;
/** Everyday denials must not delay the others. */
const EVERYDAY_PER_SECOND = 1;
/** Different denials that are counted at a time; more are only logged at level debug. */
const MAX_COUNTED = 1000;
const MAX_EVERYDAY = 500;
const MAX_TEXT = 256;
const MAX_REASON = 500;

/**
 * Reports denials by the event `mesh.policy.denied@1` and in the log: the first of its kind at once, later ones as
 * a count.
 */
export class Denials {
  readonly #options: DenialsOptions;
  readonly #counted = new Map<string, Counted>();
  readonly #bucket = new TokenBucket(REPORTS_PER_SECOND);
  readonly #everydayBucket = new TokenBucket(EVERYDAY_PER_SECOND);
  #everyday = 0;
  #timer: NodeJS.Timeout | undefined;
  #total = 0;

  constructor(options: DenialsOptions) {
    this.#options = options;
  }

  /** All denials so far. */
  get total(): number {
    return this.#total;
  }

  /** @param count How often it happened; one report covers all. */
  note(denial: Denial, count = 1): void {
    this.#total += count;
    const { hop, node, event, from, rule, isEveryday } = denial;
    const key = JSON.stringify([hop, node, event, from, rule]);
    const known = this.#counted.get(key);
    const isFull = this.#counted.size >= MAX_COUNTED || (isEveryday && this.#everyday >= MAX_EVERYDAY);
    if (known === undefined && isFull) {
      this.#options.log.debug({ ...denial, count }, "denied");
      return;
    }
    const counted = known ?? {
      denial,
      count: 0,
      sinceMs: 0,
      reportedMs: Number.NEGATIVE_INFINITY,
      pauseMs: 0,
    };
    if (known === undefined && isEveryday) this.#everyday++;
    if (counted.count === 0) counted.sinceMs = Date.now();
    counted.count += count;
    counted.denial = denial;
    this.#counted.set(key, counted);
    this.#report(counted, performance.now());
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Ends all reports. */
  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const [key, counted] of this.#counted) {
      if (counted.count > 0) this.#report(counted, nowMs);
      else if (nowMs - counted.reportedMs >= counted.pauseMs) {
        this.#counted.delete(key);
        if (counted.denial.isEveryday) this.#everyday--;
      }
    }
    if (this.#counted.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #report(counted: Counted, nowMs: number): void {
    const { denial, count, sinceMs, pauseMs } = counted;
    const { isEveryday, ...fields } = denial;
    const bucket = isEveryday ? this.#everydayBucket : this.#bucket;
    if (nowMs - counted.reportedMs < pauseMs || bucket.available(nowMs) < 1) return;
    bucket.spend(1);
    counted.count = 0;
    counted.reportedMs = nowMs;
    counted.pauseMs = isEveryday ? Math.min(Math.max(AGAIN_MS, pauseMs * 2), MAX_AGAIN_MS) : AGAIN_MS;
    this.#options.log[isEveryday ? "info" : "warn"]({ ...fields, count }, "denied");
    const { publish, log } = this.#options;
    publish(this.#message(denial, count, sinceMs)).catch((err: unknown) => {
      log.warn({ err }, "denial not published");
    });
  }

  #message(denial: Denial, count: number, sinceMs: number): Message {
    const { hop, node, event, from, eventId, rule, reason } = denial;
    const data = {
      hop,
      node,
      // Names come from strangers.
      event: event.slice(0, MAX_TEXT),
      ...(from === undefined ? {} : { from }),
      ...(eventId === undefined ? {} : { event_id: eventId.slice(0, MAX_TEXT) }),
      rule: rule.slice(0, MAX_TEXT),
      reason: reason.slice(0, MAX_REASON),
      count,
      since: new Date(sinceMs).toISOString(),
    };
    return daemonMessage(this.#options, { id: newEventId(Date.now()), name: POLICY_DENIED, data });
  }
}
