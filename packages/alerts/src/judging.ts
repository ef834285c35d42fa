import type { AlertSettings } from "@adaos/config";
import { type Logger, MeshError, type Message, newEventId } from "@adaos/core";
import { delay, type Signatures } from "@adaos/core/wire";
import { Rounds } from "@adaos/daemon";
import type { Connection } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { AlertStore } from "./alert-store.ts";
import { Courier, dropOtherCouriers } from "./courier.ts";
import { type AlertAudience, alertEvent, isMeantFor } from "./events.ts";
import type { JudgedAt } from "./judge/alert.ts";
import { type ActiveAlert, type AlertChange, Judge } from "./judge/judge.ts";
import { resolveRules } from "./judge/resolve-rules.ts";
import { type AlertRecord, type Silence, silenceOf } from "./record.ts";
import { type SampleSource, SampleSources } from "./sources/gather.ts";
import { webhookBody } from "./webhooks/bodies.ts";
import { sendWebhook } from "./webhooks/send.ts";

export interface JudgingOptions {
  readonly mesh: string;
  readonly role: "hub" | "root";
  readonly at: JudgedAt;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly sources: readonly SampleSource[];
  /** Those that there are now. */
  readonly audiences: () => readonly AlertAudience[];
  readonly signatures: Signatures;
  /** Stores an event in the stream of a subnet. */
  readonly publish: (subnet: string, message: Message) => Promise<unknown>;
  readonly onWebhook: (webhook: string, outcome: "sent" | "failed" | "given_up") => void;
  readonly log: Logger;
}

const AGAIN_MS = 2000;
/** Each step of a round has a limit of its own, and they sum up to less. */
const ROUND_MS = 120_000;
/** Alerts in one message of a webhook. */
const MAX_AT_ONCE = 100;

/** Judges by one version of the settings until it is stopped. */
export class Judging {
  readonly #options: JudgingOptions;
  readonly #settings: AlertSettings;
  readonly #store: AlertStore;
  readonly #sources: SampleSources;
  readonly #stopped = new AbortController();
  /** By durable. */
  readonly #couriers = new Map<string, Courier>();
  /** Whether webhooks were notified, of each alert that is raised. */
  readonly #told = new Map<string, boolean>();
  /** In order; nothing new is judged before they are stored. */
  #unstored: AlertRecord[] = [];
  #judge: Judge | undefined;
  #isEnsured = false;
  readonly rounds: Rounds;
  trouble: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: JudgingOptions, settings: AlertSettings) {
    this.#options = options;
    this.#settings = settings;
    this.rounds = new Rounds(ROUND_MS + settings.everySeconds * 1000);
    this.#store = new AlertStore(options.at.at, options.connection, options.jsm);
    this.#sources = new SampleSources(options.sources, options.log);
  }

  /** The alerts that are raised, by rule. */
  get active(): readonly ActiveAlert[] {
    return this.#judge?.active ?? [];
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await Promise.all([...this.#couriers.values()].map((courier) => courier.stop()));
    await this.#store.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { everySeconds } = this.#settings;
    while (!signal.aborted) {
      this.rounds.done();
      try {
        await this.#round();
        this.trouble = undefined;
      } catch (thrown) {
        const { message } = MeshError.from(thrown, "unavailable", "alerts cannot be kept");
        if (message !== this.trouble) this.#options.log.warn({ reason: message }, "alerts not judged");
        this.trouble = message;
        this.#isEnsured = false;
      }
      await delay(this.trouble === undefined ? everySeconds * 1000 : AGAIN_MS, signal);
    }
  }

  async #round(): Promise<void> {
    // A lost store is made again; the raised alerts are remembered here.
    if (!this.#isEnsured) await this.#store.ensure();
    this.#isEnsured = true;
    this.#judge ??= await this.#open();
    await this.#startCouriers();
    await this.#storeAll();
    const silences = await this.#store.silences();
    const nowMs = Date.now();
    const changes = this.#judge.look({ ...(await this.#sources.gather()), nowMs });
    this.#unstored.push(...changes.map((change) => this.#recordOf(change, silences, nowMs)));
    this.#unstored.push(...this.#unsilenced(silences, nowMs));
    await this.#storeAll();
  }

  /** Continues with the alerts that an earlier process raised. */
  async #open(): Promise<Judge> {
    const { role, at } = this.#options;
    const active = await this.#store.active();
    for (const { alert, told } of active) this.#told.set(alert.alert, told);
    return new Judge(resolveRules(role, this.#settings), at, active);
  }

  #recordOf({ change, alert, value }: AlertChange, silences: readonly Silence[], nowMs: number): AlertRecord {
    const told =
      change === "raised"
        ? silenceOf(silences, alert.alert, nowMs) === undefined
        : (this.#told.get(alert.alert) ?? true);
    if (change === "raised") this.#told.set(alert.alert, told);
    else this.#told.delete(alert.alert);
    const { rule, severity, cause, since } = alert;
    const fields = { alert: alert.alert, rule, severity, cause, since, silenced: !told };
    if (change === "raised") this.#options.log.warn(fields, "alert raised");
    else this.#options.log.info(fields, "alert cleared");
    return { change, event_id: newEventId(nowMs), at: new Date(nowMs).toISOString(), value, told, alert };
  }

  /** The alerts that were raised under a silence and are still raised when it is over. */
  #unsilenced(silences: readonly Silence[], nowMs: number): AlertRecord[] {
    return this.active.flatMap(({ alert, value }): AlertRecord[] => {
      if (this.#told.get(alert.alert) !== false || silenceOf(silences, alert.alert, nowMs) !== undefined)
        return [];
      this.#told.set(alert.alert, true);
      const at = new Date(nowMs).toISOString();
      return [{ change: "unsilenced", event_id: newEventId(nowMs), at, value, told: true, alert }];
    });
  }

  async #storeAll(): Promise<void> {
    for (let record = this.#unstored[0]; record !== undefined; record = this.#unstored[0]) {
      await this.#store.storeChange(record);
      this.#unstored.shift();
    }
  }

  /** One for each subnet that gets alerts as events, and one for each webhook. Subnets come and go. */
  async #startCouriers(): Promise<void> {
    const { jsm } = this.#options;
    const wanted = new Map<string, () => Courier>();
    for (const { subnet } of this.#options.audiences()) {
      const durable = `events-${subnet}`;
      wanted.set(durable, () => this.#eventCourier(durable, subnet));
    }
    for (const [name, webhook] of Object.entries(this.#settings.webhooks)) {
      const durable = `webhook-${name}`;
      wanted.set(durable, () => this.#webhookCourier(durable, name, webhook));
    }
    const gone = [...this.#couriers].filter(([durable]) => !wanted.has(durable));
    for (const [durable, courier] of gone) {
      this.#couriers.delete(durable);
      await courier.stop();
    }
    const fresh = [...wanted].filter(([durable]) => !this.#couriers.has(durable));
    for (const [durable, make] of fresh) {
      const courier = make();
      await courier.start();
      this.#couriers.set(durable, courier);
    }
    if (gone.length + fresh.length > 0) await dropOtherCouriers(jsm, this.#store.stream, [...wanted.keys()]);
  }

  #eventCourier(durable: string, subnet: string): Courier {
    const { audiences, signatures, publish, role } = this.#options;
    return this.#courier(durable, {
      gatherMs: 0,
      pauseMs: 0,
      most: 1,
      isWanted: (record) => record.change !== "unsilenced" && isMeantFor(record, subnet, audiences()),
      deliver: async (records) => {
        const audience = audiences().find((one) => one.subnet === subnet);
        if (audience === undefined) return;
        for (const record of records)
          await publish(subnet, alertEvent(record, { audience, node: role, signatures }));
      },
    });
  }

  #webhookCourier(durable: string, name: string, webhook: AlertSettings["webhooks"][string]): Courier {
    const { mesh, onWebhook } = this.#options;
    const { gatherSeconds, messagesPerMinute } = this.#settings;
    const { kind, severities, urlFile, secretFile } = webhook;
    return this.#courier(durable, {
      gatherMs: gatherSeconds * 1000,
      pauseMs: 60_000 / messagesPerMinute,
      most: MAX_AT_ONCE,
      isWanted: ({ told, alert }) => told && severities.includes(alert.severity),
      deliver: (records) => sendWebhook({ name, urlFile, secretFile }, webhookBody(kind, mesh, records)),
      onOutcome: (outcome) => onWebhook(name, outcome),
    });
  }

  #courier(
    durable: string,
    how: Pick<
      ConstructorParameters<typeof Courier>[0],
      "gatherMs" | "pauseMs" | "most" | "deliver" | "isWanted" | "onOutcome"
    >,
  ): Courier {
    const { connection, jsm, log } = this.#options;
    const { stream, changes: filter } = this.#store;
    return new Courier({
      ...how,
      ...{ connection, jsm, stream, filter, durable, log },
      onGivenUp: (records, reason) =>
        this.#store.storeUndelivered({
          webhook: durable,
          at: new Date().toISOString(),
          reason,
          alerts: records.map(({ alert }) => alert.alert),
        }),
    });
  }
}
