import type { Figure, MetricsSnapshot, ProbeSlo, StandingProbe, TakenSnapshot } from "@adaos/core/wire";
import { figureFamilies, PROBE_OBJECTIVE, probeSlos, standingProbes } from "@adaos/core/wire";
import type { MetricSource } from "@adaos/daemon";
import { type StoredMessage, storedSnapshot } from "@adaos/transport-nats";
import type { SnapshotStream } from "./subnet-counts.ts";

const HOUR_MS = 3_600_000;
/** The shorter window: an outage that is over burns no longer than this. */
const SHORT_MS = 5 * 60_000;
/** With fewer failures no alert is raised: one late answer of three is no outage. */
const LEAST_BAD = 5;
/** A member that makes up processes must not fill the hub's memory. */
const MAX_SNAPSHOTS = 5000;
/** The shortest time between two readings, however often the figures are requested. */
const READING_MS = 5000;

/** The snapshots of a subnet, also those since a time. */
export interface RecentSnapshots extends Pick<SnapshotStream, "lastSeq" | "from"> {
  since(time: Date): AsyncIterable<StoredMessage>;
}

/** The looks of one hour. */
interface Looks {
  readonly looks: number;
  readonly bad: number;
}

/** Looks by probe, then by hour, as they were counted at a time. */
interface Reading {
  readonly ms: number;
  readonly byProbe: ReadonlyMap<string, ReadonlyMap<string, Looks>>;
}

/**
 * How what the processes of a subnet probe is, and how fast they use up their budgets, by what they report to the hub:
 * wherever a member runs, and of programs too. Reads on where it was when it is asked.
 */
export class ProbeWatch implements MetricSource {
  readonly name = "probes";
  readonly #stream: RecentSnapshots;
  readonly #now: () => number;
  /** Snapshots by subject: one process and hour each, in the order of arrival. */
  readonly #taken = new Map<string, TakenSnapshot>();
  /** Oldest first. */
  #readings: Reading[] = [];
  /** Undefined before the first look. */
  #next: number | undefined;
  #reading: Promise<readonly Figure[]> | undefined;

  constructor(stream: RecentSnapshots, now: () => number = Date.now) {
    this.#stream = stream;
    this.#now = now;
  }

  async read(): ReturnType<MetricSource["read"]> {
    return figureFamilies(await this.figures());
  }

  /** Concurrent callers share one answer. Rejects with `unavailable` or `timeout`. */
  figures(): Promise<readonly Figure[]> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<readonly Figure[]> {
    const nowMs = this.#now();
    const oldestMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - HOUR_MS;
    const lastSeq = await this.#stream.lastSeq();
    // A store that was lost begins anew.
    const next = this.#next !== undefined && lastSeq < this.#next - 1 ? undefined : this.#next;
    const messages = next === undefined ? this.#stream.since(new Date(oldestMs)) : this.#stream.from(next);
    for await (const message of messages) {
      this.#next = message.seq + 1;
      this.#take(message);
    }
    this.#next ??= lastSeq + 1;
    for (const [subject, { snapshot }] of this.#taken)
      if (Date.parse(snapshot.hour) < oldestMs) this.#taken.delete(subject);
    const slos = probeSlos([...this.#taken.values()].map(({ snapshot }) => snapshot));
    return [
      ...unhealthyFigures(standingProbes(this.#taken.values(), nowMs)),
      ...burnFigures(slos, this.#shortlyBefore(slos, nowMs)),
    ];
  }

  #take(message: StoredMessage): void {
    const snapshot = storedSnapshot(message);
    if (snapshot === undefined) return;
    const own = probeShareOf(snapshot);
    const isTold = own.probes !== undefined || own.counters.length > 0;
    // A newer snapshot replaces the earlier one of the same subject.
    this.#taken.delete(message.subject);
    if (!isTold || this.#taken.size >= MAX_SNAPSHOTS) return;
    this.#taken.set(message.subject, { snapshot: own, takenMs: Date.parse(message.storedAt) });
  }

  /** The counts at the beginning of the shorter window. The current counts are kept for the next window. */
  #shortlyBefore(slos: readonly ProbeSlo[], nowMs: number): Reading | undefined {
    const byProbe = new Map(
      slos.map((slo) => {
        const hours = Object.entries(slo.by_hour).map(([hour, { looks, good }]) => {
          return [hour, { looks, bad: looks - good }] as const;
        });
        return [keyOf(slo), new Map(hours)] as const;
      }),
    );
    this.#readings = this.#readings.filter(({ ms }) => ms >= nowMs - SHORT_MS);
    const [oldest] = this.#readings;
    const newest = this.#readings.at(-1);
    if (newest === undefined || nowMs - newest.ms >= READING_MS) this.#readings.push({ ms: nowMs, byProbe });
    return oldest;
  }
}

/** Keeps of a snapshot only its probes and their counts. Pure. */
function probeShareOf({ counters, histograms, totals: _, ...snapshot }: MetricsSnapshot): MetricsSnapshot {
  const nothing = { counters: [], histograms: [] };
  return {
    ...snapshot,
    counters: counters.filter(([metric]) => metric === "probeLooks"),
    histograms: histograms.filter(([metric]) => metric === "probeMs"),
    totals: nothing,
  };
}

/** Of several processes that probe by one name the worst counts. Pure. */
function unhealthyFigures(probes: readonly StandingProbe[]): readonly Figure[] {
  const worst = new Map<string, Figure>();
  for (const probe of probes) {
    if (probe.status === null) continue;
    const isUnhealthy = probe.status === "unhealthy";
    const key = `${probe.node} ${probe.probe}`;
    if (worst.has(key) && !isUnhealthy) continue;
    const labels = [probe.node, probe.probe];
    const cause = isUnhealthy ? { cause: causeOf(probe) } : {};
    worst.set(key, { metric: "probeUnhealthy", labels, value: isUnhealthy ? 1 : 0, ...cause });
  }
  return [...worst.values()];
}

function causeOf({ database_type, environment, app, error_message, latency_ms }: StandingProbe): string {
  const why = error_message ?? `the last answer took ${Math.round(latency_ms ?? 0)} ms`;
  return `${database_type} of ${environment}, probed by ${app}: ${why}`;
}

/**
 * How many times as fast as it may each probe uses up its budget. It must do so lately and for long: a moment is no
 * trend, and what is over is over soon. Pure.
 * @param before The counts at the beginning of the shorter window; undefined when they are not known.
 */
function burnFigures(slos: readonly ProbeSlo[], before: Reading | undefined): readonly Figure[] {
  const worst = new Map<string, Figure & { readonly labels: readonly string[] }>();
  for (const slo of slos) {
    const { node, probe, looks, good } = slo;
    const long = looks - good < LEAST_BAD ? 0 : burnOf({ looks, bad: looks - good });
    const short = before === undefined ? undefined : lately(slo, before.byProbe.get(keyOf(slo)));
    // Without a look there is nothing new to judge by.
    const value = short === undefined || short.looks === 0 ? long : Math.min(long, burnOf(short));
    const key = `${node} ${probe}`;
    if (value <= (worst.get(key)?.value ?? -1)) continue;
    const cause = `${looks - good} of ${looks} looks since the last full hour began were late or without an answer`;
    worst.set(key, { metric: "probeSloBurn", labels: [node, probe], value, cause });
  }
  return [...worst.values()];
}

/** Hour by hour: what an hour that is over counted falls out of the sum meanwhile. */
function lately({ by_hour }: ProbeSlo, before: ReadonlyMap<string, Looks> | undefined): Looks {
  let looks = 0;
  let bad = 0;
  for (const [hour, now] of Object.entries(by_hour)) {
    const then = before?.get(hour);
    looks += Math.max(0, now.looks - (then?.looks ?? 0));
    bad += Math.max(0, now.looks - now.good - (then?.bad ?? 0));
  }
  return { looks, bad };
}

function burnOf({ looks, bad }: Looks): number {
  return bad / looks / (1 - PROBE_OBJECTIVE.share);
}

function keyOf({ node, probe, environment, database_type }: ProbeSlo): string {
  return [node, probe, environment, database_type].join(" ");
}
