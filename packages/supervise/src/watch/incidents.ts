import type { ConfigError } from "@adaos/config";
import { ALERTS, counted } from "@adaos/core/wire";
import type { ResilienceLog } from "@adaos/daemon";
import type { Restart } from "../processes/kept-process.ts";
import { SUPERVISOR } from "../processes/process-table.ts";
import { FAILURES_UNTIL_ALERT } from "../processes/restart-plan.ts";

/** A restart that did not help four times in a row: a person has to look. */
export interface Alert {
  /** RFC 3339. */
  readonly ts: string;
  readonly component: string;
  readonly reason: string;
  readonly failures: number;
}

interface Told {
  readonly ts: string;
  readonly component: string;
  readonly reason: string;
  readonly ordered: boolean;
}

const MAX_KEPT = 20;
/** Length of a reason in a line of `adaos status`; the log has the full text. */
const MAX_SHOWN = 90;

/** Faults while the supervisor ran: written to the log, with the newest kept for queries. */
export class Incidents {
  readonly #log: ResilienceLog;
  #count = 0;
  readonly #restartsOf = new Map<string, number>();
  readonly #restarts: Told[] = [];
  /** Alerts of processes that have not been well since. */
  readonly #alerts = new Map<string, Alert>();
  /** When the end of each process that has not been well since was noticed, in milliseconds. */
  readonly #downSinceMs = new Map<string, number>();
  readonly #recovery = { count: 0, sumMs: 0, maxMs: 0 };
  /** By source: the mesh file, or the process that reported them. */
  readonly #configErrors = new Map<string, readonly ConfigError[]>();

  constructor(log: ResilienceLog) {
    this.#log = log;
  }

  noteRestart({ name: component, reason, ordered, pauseMs, failures }: Restart): void {
    const ts = this.#keep(component, reason, ordered);
    if (!this.#downSinceMs.has(component)) this.#downSinceMs.set(component, performance.now());
    this.#log.warn("process restarted", { component, reason, ordered, pause_ms: pauseMs, failures });
    if (failures < FAILURES_UNTIL_ALERT) return;
    this.#alerts.set(component, { ts, component, reason, failures });
    // R107: once for each series of failures.
    if (failures === FAILURES_UNTIL_ALERT)
      this.#log.alert("restart does not help", {
        rule: ALERTS.restartsInVain.name,
        component,
        reason,
        failures,
      });
  }

  noteWell(component: string): void {
    this.#alerts.delete(component);
    const sinceMs = this.#downSinceMs.get(component);
    if (sinceMs === undefined) return;
    this.#downSinceMs.delete(component);
    const tookMs = performance.now() - sinceMs;
    this.#recovery.count++;
    this.#recovery.sumMs += tookMs;
    this.#recovery.maxMs = Math.max(this.#recovery.maxMs, tookMs);
    this.#log.warn("process recovered", { component, took_ms: Math.round(tookMs) });
  }

  noteResumed(pid: number, adopted: number): void {
    this.#keep(SUPERVISOR, "died", false);
    this.#log.warn("supervisor restarted", { component: SUPERVISOR, died_pid: pid, adopted });
  }

  noteGuardLost(): void {
    this.#keep("guard", "ended", false);
    this.#log.warn("process restarted", { component: "guard", reason: "ended" });
  }

  /** A server's file was missing or broken, and its last good version was restored. */
  noteRestored(component: string, file: string): void {
    this.#log.warn("config restored", { component, file });
  }

  /** @param errors All current errors of `source`. */
  noteConfig(source: string, errors: readonly ConfigError[]): void {
    const before = this.#configErrors.get(source) ?? [];
    const known = new Set(before.map((error) => JSON.stringify(error)));
    if (errors.length > 0) this.#configErrors.set(source, errors);
    else this.#configErrors.delete(source);
    const fresh = errors.filter((error) => !known.has(JSON.stringify(error)));
    const { name: rule } = ALERTS.configBroken;
    if (fresh.length > 0)
      this.#log.warn("config.errors", { rule, component: source, "config.errors": fresh });
    if (before.length > 0 && errors.length === 0) this.#log.warn("config repaired", { component: source });
  }

  get alerts(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  /** How often each process was restarted while this supervisor ran. */
  get restartsOf(): ReadonlyMap<string, number> {
    return this.#restartsOf;
  }

  get details(): Readonly<Record<string, unknown>> {
    const { count, sumMs, maxMs } = this.#recovery;
    // Noticed at the next look, so up to 5 s more than the real time.
    const recovery = {
      count,
      mean_ms: count === 0 ? 0 : Math.round(sumMs / count),
      max_ms: Math.round(maxMs),
    };
    return {
      restarts: this.#count,
      recovery,
      last: this.#restarts,
      alerts: this.alerts,
      droppedLines: this.#log.droppedInAll,
    };
  }

  /** Returns the time of the restart. */
  #keep(component: string, reason: string, ordered: boolean): string {
    const ts = new Date().toISOString();
    this.#count++;
    this.#restartsOf.set(component, (this.#restartsOf.get(component) ?? 0) + 1);
    this.#restarts.push({ ts, component, reason, ordered });
    if (this.#restarts.length > MAX_KEPT) this.#restarts.shift();
    return ts;
  }

  /** A few words for a line of `adaos status`. */
  get note(): string | undefined {
    const alerts = this.alerts.map(
      ({ component, reason, failures }) =>
        `ALERT ${component}: ${counted(failures, "start")} did not help (${shown(reason)})`,
    );
    const last = this.#restarts.at(-1);
    const restarts =
      last === undefined
        ? []
        : [
            `${counted(this.#count, "restart")}, the last of ${last.component} at ${last.ts} (${shown(last.reason)})`,
          ];
    const all = [...alerts, ...restarts];
    return all.length === 0 ? undefined : all.join("; ");
  }
}

function shown(reason: string): string {
  return reason.length <= MAX_SHOWN ? reason : `${reason.slice(0, MAX_SHOWN)}…`;
}
