import { checkEnvelope } from "./envelope.ts";
import { newEventId } from "./event-id.ts";
import type { Logger, Message } from "./ports.ts";
import { newMessage, type Publisher } from "./publish.ts";
import { formatSubject } from "./subject.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Something that policy did not allow. */
export interface Denial {
  readonly hop: "publish" | "subscribe" | "reply" | "export" | "import";
  /** Whose doing it was: `alpha/kitchen`, or a subnet. */
  readonly node: string;
  /** The event or the pattern. */
  readonly event: string;
  readonly rule: string;
  readonly reason: string;
}

/** `address` is that of the daemon that tells of them. */
export interface DenialsOptions extends Pick<Publisher, "address" | "tenant" | "signatures"> {
  readonly publish: (message: Message) => Promise<unknown>;
  readonly log: Logger;
}

interface Counted {
  readonly denial: Denial;
  /** Not told yet. */
  count: number;
  sinceMs: number;
  /** When it was told last. */
  toldMs: number;
}

/** The same is told so often at most; what comes meanwhile is counted. */
const AGAIN_MS = 10_000;
const TICK_MS = 1000;
/** Of all together: who tries a thousand names must not fill the stream. */
const TOLD_PER_SECOND = 5;
/** Different denials that are counted at a time; more are only logged. */
const MAX_COUNTED = 1000;
const MAX_TEXT = 256;
const MAX_REASON = 500;

/** Tells of denials by the event `mesh.policy.denied@1` and in the log: the first of its kind at once, the others counted. */
export class Denials {
  readonly #options: DenialsOptions;
  readonly #counted = new Map<string, Counted>();
  readonly #bucket = new TokenBucket(TOLD_PER_SECOND);
  #timer: NodeJS.Timeout | undefined;
  #total = 0;

  constructor(options: DenialsOptions) {
    this.#options = options;
  }

  /** All that there were. */
  get total(): number {
    return this.#total;
  }

  note(denial: Denial): void {
    this.#total++;
    const { hop, node, event, rule } = denial;
    const key = JSON.stringify([hop, node, event, rule]);
    const known = this.#counted.get(key);
    if (known === undefined && this.#counted.size >= MAX_COUNTED) {
      this.#options.log.debug({ ...denial }, "denied");
      return;
    }
    const counted = known ?? { denial, count: 0, sinceMs: 0, toldMs: Number.NEGATIVE_INFINITY };
    if (counted.count++ === 0) counted.sinceMs = Date.now();
    this.#counted.set(key, counted);
    this.#tell(counted, performance.now());
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Tells nothing more. */
  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const [key, counted] of this.#counted) {
      if (counted.count > 0) this.#tell(counted, nowMs);
      else if (nowMs - counted.toldMs >= AGAIN_MS) this.#counted.delete(key);
    }
    if (this.#counted.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tell(counted: Counted, nowMs: number): void {
    if (nowMs - counted.toldMs < AGAIN_MS || this.#bucket.available(nowMs) < 1) return;
    this.#bucket.spend(1);
    const { denial, count, sinceMs } = counted;
    counted.count = 0;
    counted.toldMs = nowMs;
    this.#options.log.warn({ ...denial, count }, "denied");
    const { publish, log } = this.#options;
    publish(this.#message(denial, count, sinceMs)).catch((err: unknown) => {
      log.warn({ err }, "denial not published");
    });
  }

  #message({ hop, node, event, rule, reason }: Denial, count: number, sinceMs: number): Message {
    const { address, tenant } = this.#options;
    const id = newEventId(Date.now());
    const envelope = checkEnvelope({
      event_id: id,
      event_name: "mesh.policy.denied",
      version: 1,
      kind: "event",
      ts: new Date().toISOString(),
      source: `daemon@${address.node}`,
      correlation_id: id,
      tenant,
      headers: {},
      data: {
        hop,
        node,
        // Names come from strangers.
        event: event.slice(0, MAX_TEXT),
        rule: rule.slice(0, MAX_TEXT),
        reason: reason.slice(0, MAX_REASON),
        count,
        since: new Date(sinceMs).toISOString(),
      },
    });
    const subject = formatSubject({ ...address, name: envelope.event_name, version: envelope.version });
    return newMessage(this.#options, subject, envelope);
  }
}
