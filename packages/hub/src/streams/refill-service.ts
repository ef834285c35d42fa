import type { Logger } from "@adaos/core";
import { eventsStream, REFILL_SERVICE, UPLINK_DURABLE } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import {
  type Connection,
  type RefillReply,
  type RefillRequest,
  rewindDurable,
  type StoreDamage,
  type StoreKeeper,
} from "@adaos/transport-nats";
import type { JetStreamManager, Msg, Subscription } from "nats";
import { z } from "zod";

/** The name of the pending request to the root, in the file of positions. */
const LOST = "lost";
/** Before anything was stored. */
const EVER = "1970-01-01T00:00:00Z";

const requestSchema: z.ZodType<RefillRequest> = z.strictObject({
  resendFrom: z.number().int().min(1).exactOptional(),
  refilled: z.string().max(64).exactOptional(),
});

type Lost = NonNullable<RefillReply["lost"]>;

/** The time since which a damaged stream may lack events; undefined when it lacks none. Pure. */
export function lostSince({ lost, mark }: StoreDamage): string | undefined {
  return lost.length === 0 ? undefined : (mark?.storedAt ?? EVER);
}

/**
 * Answers the root, which asks every few seconds. It sends this subnet's events again that the root's stream has lost,
 * and requests the events that this subnet's stream has lost.
 */
export class RefillService implements Part {
  readonly name = "refill";
  readonly #subnet: string;
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #keeper: StoreKeeper;
  readonly #log: Logger;
  #subscription: Subscription | undefined;

  constructor(
    subnet: string,
    connection: Connection,
    jsm: JetStreamManager,
    keeper: StoreKeeper,
    log: Logger,
  ) {
    this.#subnet = subnet;
    this.#connection = connection;
    this.#jsm = jsm;
    this.#keeper = keeper;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#subscription = this.#connection.nc.subscribe(REFILL_SERVICE, {
      callback: (error, msg) => {
        if (error === null) void this.#onRequest(msg);
      },
    });
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
  }

  health(): PartHealth {
    const lost = this.#lost();
    return lost === undefined
      ? { ready: true }
      : { ready: true, note: `waits for the root to bring back what was stored since ${lost.since}` };
  }

  /**
   * Notes that a stream was found damaged. Returns whether the root is asked to restore the lost events. Of several
   * losses at a time, the earliest start counts.
   */
  onDamage(damage: StoreDamage): boolean {
    const since = lostSince(damage);
    if (damage.stream !== eventsStream(this.#subnet) || since === undefined) return false;
    const open = this.#lost();
    // A new id: events that were restored before this loss do not answer it.
    const lost: Lost = {
      id: damage.foundAt,
      since: open !== undefined && open.since < since ? open.since : since,
    };
    this.#keeper.setOpen(LOST, JSON.stringify(lost));
    return true;
  }

  #lost(): Lost | undefined {
    const text = this.#keeper.open.get(LOST);
    return text === undefined ? undefined : (JSON.parse(text) as Lost);
  }

  async #onRequest(msg: Msg): Promise<void> {
    try {
      msg.respond(JSON.stringify(await this.#answer(requestSchema.parse(msg.json()))));
    } catch (err) {
      // The root asks again.
      this.#log.warn({ err }, "refill not answered");
    }
  }

  async #answer({ resendFrom, refilled }: RefillRequest): Promise<RefillReply> {
    if (refilled !== undefined && refilled === this.#lost()?.id) {
      this.#keeper.setOpen(LOST, undefined);
      this.#log.info({ loss: refilled }, "stream refilled");
    }
    if (resendFrom !== undefined) {
      const stream = eventsStream(this.#subnet);
      const position = await rewindDurable(this.#jsm, stream, UPLINK_DURABLE, resendFrom);
      if (position !== undefined) this.#keeper.noteDurable(stream, UPLINK_DURABLE, position);
      this.#log.warn({ resendFrom, rewound: position !== undefined }, "root lost events: sent again");
    }
    const lost = this.#lost();
    return {
      ...(resendFrom === undefined ? {} : { resentFrom: resendFrom }),
      ...(lost === undefined ? {} : { lost }),
    };
  }
}
