import type { EventTrace } from "../../../api/event.ts";

type Trace = EventTrace["trace"];
type TracedEvent = Trace["roots"][number];
type Handling = TracedEvent["handlings"][number];

/** How a row is drawn. */
export type Tone = "plain" | "good" | "warning" | "error";

/** A line of the tree: an event, or what became of it. */
export interface TraceRow {
  readonly key: string;
  /** 0 for an event that nothing in the trace has caused. */
  readonly depth: number;
  readonly kind: "event" | "hop" | "handling" | "link" | "timer";
  readonly event: TracedEvent;
  /** What stands beside the event's name, or all of another row. */
  readonly text: string;
  readonly note: string;
  readonly startMs: number;
  /** Equal to `startMs` where no length is known. */
  readonly endMs: number;
  readonly tone: Tone;
  readonly isOpen: boolean;
  readonly hasMore: boolean;
}

const TONES: Readonly<Record<Handling["state"], Tone>> = {
  waiting: "warning",
  given: "warning",
  retrying: "warning",
  handled: "good",
  failed: "error",
  dead_letter: "error",
  parked: "warning",
};

const STATES: Readonly<Record<Handling["state"], string>> = {
  waiting: "waits for it",
  given: "was given it",
  retrying: "retrying",
  handled: "handled",
  failed: "failed for good",
  dead_letter: "dead letter",
  parked: "parked until its schema is known",
};

/** The tree as lines, without those below a folded event. Pure. */
export function traceRows({ roots }: Trace, folded: ReadonlySet<string>): TraceRow[] {
  return roots.flatMap((root) => rowsOf(root, 0, folded));
}

/** The times between which everything of a trace lies, in milliseconds; never of no length. Pure. */
export function extentOf(rows: readonly TraceRow[]): { readonly startMs: number; readonly endMs: number } {
  let [startMs, endMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of rows) {
    startMs = Math.min(startMs, row.startMs);
    endMs = Math.max(endMs, row.endMs);
  }
  return rows.length === 0 ? { startMs: 0, endMs: 1 } : { startMs, endMs: Math.max(endMs, startMs + 1) };
}

/** The events of a tree, by id. Pure. */
export function findTraced(events: readonly TracedEvent[], id: string): TracedEvent | undefined {
  for (const event of events) {
    const found = event.event_id === id ? event : findTraced(event.caused, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function rowsOf(event: TracedEvent, depth: number, folded: ReadonlySet<string>): TraceRow[] {
  const { event_id: id, hops, handlings, on_its_way, caused, from, replay_for: target, timer } = event;
  const publishedMs = timeOf(event.published_at, 0);
  const own: TraceRow[] = [
    ...(timer === undefined ? [] : [timerRow(event, depth)]),
    ...hops.map((_, i) => hopRow(event, i, depth)),
    ...handlings.map((handling, i) => handlingRow(event, handling, i, depth)),
    ...on_its_way.map(({ link, waiting }, i): TraceRow => {
      const startMs = timeOf(hops.at(-1)?.stored_at, publishedMs);
      const text = `on its way: link ${link}`;
      return {
        ...leaf(event, depth),
        key: `${id} link ${i}`,
        kind: "link",
        text,
        note: `${waiting} waiting`,
        startMs,
        endMs: startMs,
        tone: "warning",
      };
    }),
  ];
  const isOpen = !folded.has(id);
  const hasMore = own.length + caused.length > 0;
  const head: TraceRow = {
    ...leaf(event, depth),
    key: id,
    depth,
    kind: "event",
    text: target === undefined ? `from ${from}` : `from ${from}, replayed to ${target}`,
    note: "",
    startMs: publishedMs,
    endMs: Math.max(publishedMs, ...own.map(({ endMs }) => endMs)),
    tone: worst(own),
    isOpen,
    hasMore,
  };
  if (!isOpen) return [head];
  return [head, ...own, ...caused.flatMap((child) => rowsOf(child, depth + 1, folded))];
}

function leaf(event: TracedEvent, depth: number): Pick<TraceRow, "event" | "depth" | "isOpen" | "hasMore"> {
  return { event, depth: depth + 1, isOpen: false, hasMore: false };
}

function timerRow(event: TracedEvent, depth: number): TraceRow {
  const { name = "", scheduled_at = "", fire = "" } = event.timer ?? {};
  const atMs = timeOf(event.published_at, 0);
  return {
    ...leaf(event, depth),
    ...{
      key: `${event.event_id} timer`,
      kind: "timer",
      text: `timer ${name}`,
      note: `due ${scheduled_at}, ${fire}`,
    },
    ...{ startMs: atMs, endMs: atMs, tone: "plain" },
  };
}

function hopRow(event: TracedEvent, i: number, depth: number): TraceRow {
  const { event_id: id, hops, published_at } = event;
  const { stream = "", seq = 0, stored_at } = hops[i] ?? {};
  const beforeMs = timeOf(hops[i - 1]?.stored_at ?? published_at, 0);
  const endMs = timeOf(stored_at, beforeMs);
  return {
    ...leaf(event, depth),
    key: `${id} hop ${i}`,
    kind: "hop",
    text: `stored in ${stream}`,
    note: `place ${seq}`,
    // Clocks of two machines may disagree.
    startMs: Math.min(beforeMs, endMs),
    endMs,
    tone: "plain",
  };
}

function handlingRow(event: TracedEvent, handling: Handling, i: number, depth: number): TraceRow {
  const { durable, state, failures, at, error, next_retry_at: next } = handling;
  const [subnet = "", node = ""] = durable.split("/");
  const hop = event.hops.find(({ of }) => of === subnet);
  const startMs = timeOf(hop?.stored_at ?? event.published_at, 0);
  const isOnly = event.handlings.filter((one) => one.durable.startsWith(`${subnet}/${node}/`)).length === 1;
  // A handling without a record did not end before its last publish; of several it is not known which has published.
  const published = isOnly ? event.caused.filter(({ from }) => from === `${subnet}/${node}`) : [];
  const ends = [timeOf(at, startMs), ...published.map(({ published_at }) => timeOf(published_at, startMs))];
  const notes = [
    failures === 0 ? undefined : `${failures} failed attempt${failures === 1 ? "" : "s"}`,
    next === undefined ? undefined : `next at ${next}`,
    error === undefined ? undefined : `${error.category}: ${error.message}`,
  ];
  return {
    ...leaf(event, depth),
    key: `${event.event_id} handling ${i}`,
    kind: "handling",
    text: `${durable} ${STATES[state]}`,
    note: notes.filter((note) => note !== undefined).join(", "),
    startMs,
    endMs: Math.max(startMs, ...ends),
    tone: TONES[state],
  };
}

function worst(rows: readonly TraceRow[]): Tone {
  const order: readonly Tone[] = ["error", "warning", "good"];
  return order.find((tone) => rows.some((row) => row.tone === tone)) ?? "plain";
}

function timeOf(text: string | undefined, otherwise: number): number {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? otherwise : ms;
}
