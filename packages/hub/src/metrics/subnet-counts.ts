import type { Logger } from "@adaos/core";
import type { Counted, MetricsSnapshot } from "@adaos/core/wire";
import {
  countedFamilies,
  ENDED_PROCESSES,
  type Family,
  mergeCounted,
  parseMetricsSubject,
} from "@adaos/core/wire";
import type { MetricSource } from "@adaos/daemon";
import { type StoredMessage, storedSnapshot } from "@adaos/transport-nats";

const HOUR_MS = 3_600_000;
/** A live process reports at least once a day, so a process without a report for this long has ended. */
const ENDED_MS = 8 * 24 * HOUR_MS;
/** The counts of ended processes are rewritten this often, so that they never expire. */
const KEEP_MS = 24 * HOUR_MS;
/** A member that invents processes must not fill the hub's memory. */
const MAX_PROCESSES = 20_000;

interface Counting {
  /** The hour of its newest snapshot. */
  hourMs: number;
  totals: Counted;
}

interface CountsOfNode {
  readonly processes: Map<string, Counting>;
  /** The counts of processes whose last hour is before a time. */
  ended: { readonly beforeMs: number; readonly totals: Counted; readonly storedMs: number } | undefined;
  merged: Counted | undefined;
}

/** Where the snapshots of a subnet's processes are kept. */
export interface SnapshotStream {
  /** The place of the newest snapshot. */
  lastSeq(): Promise<number>;
  /** The snapshots from a place on, oldest first. */
  from(seq: number): AsyncIterable<StoredMessage>;
  store(snapshot: MetricsSnapshot): Promise<void>;
}

/**
 * Sums the counters of a subnet's members, all processes of a node together. Each read continues where the last one
 * ended. The counts of processes that ended long ago are stored as one snapshot before their own snapshots expire, so
 * that no count falls.
 */
export class SubnetCounts implements MetricSource {
  readonly name = "counts";
  readonly #stream: SnapshotStream;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #nodes = new Map<string, CountsOfNode>();
  #processes = 0;
  #next = 1;

  constructor(stream: SnapshotStream, log: Logger, now: () => number = Date.now) {
    this.#stream = stream;
    this.#log = log;
    this.#now = now;
  }

  /** Rejects with `unavailable` or `timeout`: a part of the counts would look like a fall. */
  async read(): Promise<readonly Family[]> {
    // A lost store restarts its numbers.
    if ((await this.#stream.lastSeq()) < this.#next - 1) this.#next = 1;
    const newest = new Map<string, StoredMessage>();
    let next = this.#next;
    for await (const message of this.#stream.from(next)) {
      next = message.seq + 1;
      const place = parseMetricsSubject(message.subject);
      // Only the last snapshot of each process: it includes all earlier ones.
      if (place !== undefined) newest.set(`${place.node} ${place.instance}`, message);
    }
    this.#next = next;
    for (const message of newest.values()) this.#take(message);
    for (const [node, counts] of this.#nodes) await this.#fold(node, counts);
    return countedFamilies(
      [...this.#nodes].map(([node, counts]) => ({ labels: [["node", node]], counted: mergedOf(counts) })),
    );
  }

  #take(message: StoredMessage): void {
    const snapshot = storedSnapshot(message);
    const instance = parseMetricsSubject(message.subject)?.instance;
    if (snapshot === undefined || instance === undefined) return;
    const counts = this.#nodes.get(snapshot.node) ?? newCounts();
    this.#nodes.set(snapshot.node, counts);
    const { hour, totals } = snapshot;
    counts.merged = undefined;
    if (instance === ENDED_PROCESSES) {
      const beforeMs = Date.parse(snapshot.ended_before ?? hour);
      counts.ended = { beforeMs, totals, storedMs: Date.parse(message.storedAt) };
      return;
    }
    const known = counts.processes.get(instance);
    const hourMs = Date.parse(hour);
    // A snapshot that was stored late has no more than a snapshot that was stored before it.
    if (known === undefined && this.#processes >= MAX_PROCESSES) return;
    if (known === undefined) this.#processes++;
    counts.processes.set(instance, { hourMs: Math.max(hourMs, known?.hourMs ?? 0), totals });
  }

  /** Sums the ended processes of a node into one snapshot, and rewrites it in the stream before it expires. */
  async #fold(node: string, counts: CountsOfNode): Promise<void> {
    const { ended } = counts;
    this.#forget(counts, ended?.beforeMs ?? 0);
    const nowMs = this.#now();
    const beforeMs = Math.floor((nowMs - ENDED_MS) / HOUR_MS) * HOUR_MS;
    const gone = [...counts.processes.values()].filter(({ hourMs }) => hourMs < beforeMs);
    const isFresh = ended === undefined || nowMs - ended.storedMs < KEEP_MS;
    if (gone.length === 0 && isFresh) return;
    const totals = mergeCounted([...(ended === undefined ? [] : [ended.totals]), ...gone.map(totalsOf)]);
    const snapshot: MetricsSnapshot = {
      node,
      instance: ENDED_PROCESSES,
      hour: new Date(Math.floor(nowMs / HOUR_MS) * HOUR_MS).toISOString(),
      counters: [],
      histograms: [],
      totals,
      ended_before: new Date(beforeMs).toISOString(),
    };
    try {
      await this.#stream.store(snapshot);
    } catch (err) {
      // No count is lost yet: the processes' own snapshots stay for weeks.
      this.#log.debug({ node, err }, "counts of ended processes not stored");
      return;
    }
    counts.ended = { beforeMs, totals, storedMs: nowMs };
    counts.merged = undefined;
    this.#forget(counts, beforeMs);
  }

  #forget(counts: CountsOfNode, beforeMs: number): void {
    for (const [instance, { hourMs }] of counts.processes) {
      if (hourMs >= beforeMs) continue;
      counts.processes.delete(instance);
      counts.merged = undefined;
      this.#processes--;
    }
  }
}

function newCounts(): CountsOfNode {
  return { processes: new Map(), ended: undefined, merged: undefined };
}

function totalsOf({ totals }: Counting): Counted {
  return totals;
}

function mergedOf(counts: CountsOfNode): Counted {
  const ended = counts.ended === undefined ? [] : [counts.ended.totals];
  counts.merged ??= mergeCounted([...ended, ...[...counts.processes.values()].map(totalsOf)]);
  return counts.merged;
}
