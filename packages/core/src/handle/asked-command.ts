import { MeshError } from "../language/errors.ts";
import { formatEventRef } from "../language/event-name.ts";
import type { HandlingMetrics } from "../measure/handling-metrics.ts";
import { BUSY } from "../request/reply.ts";
import type { Responder } from "../request/responder.ts";
import type { EventContract, Logger, Settlement } from "../transport.ts";
import { type ClassifyRule, classify } from "./classify.ts";
import { NO_HISTORY } from "./failure-handling.ts";
import { maskedError } from "./masked-error.ts";
import type { OpenedDelivery, ReadDelivery } from "./open-delivery.ts";

export interface AskedSettings {
  readonly durable: string;
  readonly log: Logger;
  readonly rules: readonly ClassifyRule[];
  readonly responder: Responder | undefined;
  readonly onSettled: (outcome: "handled" | "refused" | "failed") => void;
}

const ENDED: Settlement = { kind: "ack" };

/**
 * Handles commands that are stored nowhere. Each has one attempt, without marks, retries or a dead letter: only the
 * requester learns how it ended.
 */
export class AskedCommands {
  readonly #settings: AskedSettings;
  readonly #metrics: HandlingMetrics;

  constructor(settings: AskedSettings, metrics: HandlingMetrics) {
    this.#settings = settings;
    this.#metrics = metrics;
  }

  /** Runs `handle` once, unless the registry wants the command stored. Never rejects. */
  async run(opened: OpenedDelivery, handle: (read: ReadDelivery) => unknown): Promise<Settlement> {
    const { delivery, envelope, address, classified } = opened;
    const refusal = opened.refusal ?? wrongWay(opened.contract);
    try {
      if (refusal !== undefined) throw refusal;
      if (envelope === undefined || address === undefined)
        throw new MeshError("internal", "nothing was read");
      await handle({ delivery, envelope, address, classified });
      this.#settings.onSettled("handled");
      this.#metrics.succeeded(envelope, NO_HISTORY, true);
    } catch (thrown) {
      const { durable, log, rules, responder, onSettled } = this.#settings;
      const told = maskedError(thrown, classified, envelope?.data);
      const { category } = classify(thrown, rules);
      log.warn({ durable, subject: delivery.message.subject, category, err: told }, "asked command failed");
      onSettled(refusal === undefined ? "failed" : "refused");
      this.#metrics.failed(envelope, NO_HISTORY, { outcome: "failed", category }, told);
      if (envelope !== undefined && address !== undefined)
        await responder?.fail({ delivery, envelope, address }, category, told);
    }
    return ENDED;
  }

  /** Replies to the requester that the command is not begun. Never rejects. */
  async turnAway({ delivery, envelope, address, refusal }: OpenedDelivery, why: string): Promise<void> {
    if (refusal === undefined && envelope !== undefined && address !== undefined)
      await this.#settings.responder?.fail({ delivery, envelope, address }, BUSY, new Error(why));
    delivery.settle(ENDED);
  }
}

/** Any node that may publish the command may send it. The registry says whether the command may be lost. */
function wrongWay(contract: EventContract | undefined): MeshError | undefined {
  if (contract === undefined || contract.delivery === "at-most-once") return undefined;
  const ref = formatEventRef(contract.name, contract.version);
  return new MeshError("denied", `${ref} must not be lost by its registry record: request it stored`, {
    rule: "delivery",
  });
}
