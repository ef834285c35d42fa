import { peekOutbox, type QueuedEvent } from "@adaos/client";
import { outboxDir } from "@adaos/config";
import { counted, delay } from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";
import type { MeshHealth } from "./health.ts";

/** Events that wait on this machine's disk for a member's hub, from all its programs. */
export interface OutboxProgress {
  readonly waiting: number;
  readonly bytes: number;
  /** RFC 3339: when the oldest of them was published. */
  readonly oldest_at: string | null;
  /** Events forwarded per second during the measurement. */
  readonly per_second: number;
}

/** On a slow line a batch takes a second or more. */
const LOOK_MS = 3000;

/** Measures the outboxes of a layout's members twice; once when nothing waits. By member. */
export async function askOutboxes(
  { nodes }: Layout,
  stateDir: string,
  lookMs: number = LOOK_MS,
): Promise<ReadonlyMap<string, OutboxProgress>> {
  const members = nodes.filter(({ role }) => role === "member").map(({ id }) => id);
  const look = (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => [id, await peekOutbox(outboxDir(stateDir, id))] as const));
  const before = new Map((await look(members)).filter(([, queued]) => queued.length > 0));
  if (before.size === 0) return new Map();
  const startMs = performance.now();
  await delay(lookMs);
  const after = await look([...before.keys()]);
  const tookMs = performance.now() - startMs;
  return new Map(after.map(([id, now]) => [id, progressOf(before.get(id) ?? [], now, tookMs)]));
}

/** Compares two measurements. Pure. */
export function progressOf(
  before: readonly QueuedEvent[],
  now: readonly QueuedEvent[],
  tookMs: number,
): OutboxProgress {
  const name = ({ subject, id }: QueuedEvent): string => `${subject} ${id}`;
  const left = new Set(now.map(name));
  const forwarded = before.filter((event) => !left.has(name(event))).length;
  const times = now.flatMap(({ publishedAt }) => (publishedAt === undefined ? [] : [publishedAt]));
  return {
    waiting: now.length,
    bytes: now.reduce((sum, { bytes }) => sum + bytes, 0),
    oldest_at: times.toSorted()[0] ?? null,
    per_second: Math.round((forwarded / tookMs) * 10_000) / 10,
  };
}

/** A few words for a line of `adaos status`; undefined for an empty outbox. Pure. */
export function outboxNote({ waiting, oldest_at, per_second }: OutboxProgress): string | undefined {
  if (waiting === 0) return undefined;
  const since = oldest_at === null ? "" : `, the oldest since ${oldest_at}`;
  const seconds = Math.ceil(waiting / per_second);
  const rate = per_second === 0 ? "none goes out now" : `${per_second}/s go out, ${seconds} s left`;
  return `outbox: ${counted(waiting, "event")}${since}; ${rate}`;
}

/** The same health, with each member's outbox in its line. Pure. */
export function withOutboxes(health: MeshHealth, outboxes: ReadonlyMap<string, OutboxProgress>): MeshHealth {
  const components = health.components.map((component) => {
    const progress = component.kind === "node" ? outboxes.get(component.name) : undefined;
    const note = progress === undefined ? undefined : outboxNote(progress);
    if (note === undefined) return component;
    const details = { ...component.details, queued: progress };
    return { ...component, note: `${component.note}; ${note}`, details };
  });
  return { ...health, components };
}
