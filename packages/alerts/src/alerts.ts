import { isDeepStrictEqual } from "node:util";
import type { AlertSettings } from "@adaos/config";
import { ALERT_RULES, ALERTS, type Figure, type JudgedAlertId } from "@adaos/core/wire";
import type { Part, PartHealth, Progress } from "@adaos/daemon";
import { Judging, type JudgingOptions } from "./judging.ts";

export type AlertsOptions = Omit<JudgingOptions, "onWebhook">;

/** At rest it gets nowhere, and is not stuck. */
const AT_REST: Progress = { sinceMs: 0, limitMs: 1 };

/** The part of a hub or of the root that judges, stores and delivers alerts. */
export class Alerts implements Part {
  readonly name = "alerts";
  readonly #options: JudgingOptions;
  #settings: AlertSettings | undefined;
  #judging: Judging | undefined;
  /** Settings change one after the other. */
  #changing: Promise<void> = Promise.resolve();
  #isStarted = false;
  readonly #sent = new Map<string, { readonly labels: readonly string[]; count: number }>();

  /** @param settings Undefined: no alert is judged. */
  constructor(options: AlertsOptions, settings: AlertSettings | undefined) {
    this.#options = { ...options, onWebhook: (webhook, outcome) => this.#count(webhook, outcome) };
    this.#settings = settings;
  }

  async start(): Promise<void> {
    this.#isStarted = true;
    await this.#begin();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    await this.#changing;
    await this.#judging?.stop();
  }

  /** Judges by other settings from now on; raised alerts stay raised. */
  replace(settings: AlertSettings | undefined): Promise<void> {
    this.#changing = this.#changing.then(async () => {
      if (isDeepStrictEqual(settings, this.#settings)) return;
      this.#settings = settings;
      await this.#judging?.stop();
      this.#judging = undefined;
      if (this.#isStarted) await this.#begin();
    });
    return this.#changing;
  }

  health(): PartHealth {
    const judging = this.#judging;
    if (judging === undefined) return { ready: true };
    const alerts = judging.active.map(({ alert: { alert } }) => alert);
    const details = { active: alerts };
    if (judging.trouble !== undefined) return { ready: false, reason: judging.trouble, details };
    const note =
      alerts.length === 0 ? undefined : `alerts: ${alerts.slice(0, 5).join(", ")}; see adaos alerts`;
    return { ready: true, ...(note === undefined ? {} : { note }), details };
  }

  progress(): Progress {
    return this.#judging?.rounds.progress ?? AT_REST;
  }

  /** A rule that is not raised reports 0, so that a collector sees its first alert. */
  figures(): readonly Figure[] {
    const judging = this.#judging;
    if (judging === undefined) return [];
    const counts = new Map<string, number>();
    for (const { alert } of judging.active) counts.set(alert.rule, (counts.get(alert.rule) ?? 0) + 1);
    const { role } = this.#options;
    const ids = (Object.keys(ALERT_RULES) as JudgedAlertId[]).filter((id) =>
      ALERT_RULES[id].judgedBy.includes(role),
    );
    return [
      ...ids.map((id): Figure => {
        const { name, severity } = ALERTS[id];
        return { metric: "alertsActive", labels: [name, severity], value: counts.get(name) ?? 0 };
      }),
      ...[...this.#sent.values()].map(({ labels, count }): Figure => {
        return { metric: "webhookMessages", labels, value: count };
      }),
    ];
  }

  async #begin(): Promise<void> {
    if (this.#settings === undefined) return;
    this.#judging = new Judging(this.#options, this.#settings);
    this.#judging.start();
  }

  #count(webhook: string, outcome: string): void {
    const key = `${webhook} ${outcome}`;
    const sent = this.#sent.get(key) ?? { labels: [webhook, outcome], count: 0 };
    sent.count++;
    this.#sent.set(key, sent);
  }
}
