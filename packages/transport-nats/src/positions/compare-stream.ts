/** A message's place in its stream, and when it was stored: RFC 3339 in nanoseconds, which no two messages share. */
export interface PlaceMark {
  readonly seq: number;
  readonly storedAt: string;
  /** How far the links of the stream were at that look at least, by name: what refills it goes on from there. */
  readonly links?: LinkPlaces;
}

/** When links were looked at, RFC 3339, and the place in its source up to which each had carried everything. */
export interface LinkPlaces {
  readonly at: string;
  readonly places: Readonly<Record<string, number>>;
}

/** Places of a stream, both included. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** Where a stream stood when it was looked at. */
export interface StreamPosition {
  /** When the server made it, RFC 3339. */
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Digest of what it holds: every so many messages, and of the last looks each. Oldest first. */
  readonly marks: readonly PlaceMark[];
  /** Places within it that are known to be lost. */
  readonly holes: readonly SeqRange[];
}

/** What a server tells of a stream. */
export interface StreamState {
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly messages: number;
  /** Of the last message, also when it is gone. */
  readonly lastAt: string;
}

/** What was read of a stream to compare it. */
export interface StreamReading {
  readonly state: StreamState;
  /** The first place that was stored later than the newest mark; nothing where there is none. */
  readonly firstAfter?: number;
  /** When those places were stored that marks name, as far as they were read and are there. */
  readonly storedAt: ReadonlyMap<number, string>;
  /** Places within that hold nothing, as far as that was asked. */
  readonly holes?: readonly SeqRange[];
}

/** What makes a stream lose messages rightly. */
export interface StreamKeeping {
  /** Nothing but age removes a message. Otherwise only its end and its marks are compared. */
  readonly isDense: boolean;
  readonly maxAgeMs: number;
}

/** How a stream is not what it was. */
export interface StreamDamage {
  /** The server has made it anew; what it holds may be all that it held. */
  readonly isNew: boolean;
  /** Up to here it is what it was, apart from {@link lost}; what lies behind is stored anew. */
  readonly intactTo: number;
  readonly lost: readonly SeqRange[];
}

/** Newest marks, all kept; of the older ones the fewer, the older they are. */
const RECENT_MARKS = 8;
const MAX_MARKS = 24;
const MAX_HOLES = 256;
/** Clocks of server and daemon differ, and a server removes what is too old a little later. */
const AGE_SLACK_MS = 60_000;

/** Whether a stream is not what it was; nothing when it is. Pure. */
export function compareStream(
  recorded: StreamPosition,
  reading: StreamReading,
  keeping: StreamKeeping,
  nowMs: number,
): StreamDamage | undefined {
  const { state } = reading;
  const isNew = state.created !== recorded.created;
  const intactTo = intactUpTo(recorded, reading);
  const lost: SeqRange[] = [];
  // Of one that makes room by itself its beginning says nothing, unless nothing at all is left.
  if (keeping.isDense || (isNew && state.firstSeq > recorded.lastSeq)) {
    const head = lostHead(recorded, state, nowMs - keeping.maxAgeMs + AGE_SLACK_MS);
    if (head !== undefined && head.from <= Math.min(head.to, intactTo))
      lost.push({ from: head.from, to: Math.min(head.to, intactTo) });
  }
  for (const hole of keeping.isDense ? (reading.holes ?? []) : []) {
    const within = { from: Math.max(hole.from, recorded.firstSeq), to: Math.min(hole.to, intactTo) };
    lost.push(...without(within, [...recorded.holes, ...lost]));
  }
  if (intactTo < recorded.lastSeq) {
    const from = Math.max(intactTo + 1, recorded.firstSeq);
    if (from <= recorded.lastSeq) lost.push({ from, to: recorded.lastSeq });
  }
  if (!isNew && lost.length === 0 && intactTo >= recorded.lastSeq) return undefined;
  return { isNew, intactTo, lost };
}

/** What the stream still is: the recorded end, unless it was cut or written anew before it. */
function intactUpTo(recorded: StreamPosition, { state, firstAfter, storedAt }: StreamReading): number {
  let end = Math.min(recorded.lastSeq, state.lastSeq);
  // Numbers that were given when the mark was made are not given again: what is stored later lies behind it.
  if (firstAfter !== undefined) end = Math.min(end, firstAfter - 1);
  const marks = recorded.marks.filter(({ seq }) => seq <= end);
  // Another message where one was: nothing from there on is what it was, back to the last that is.
  const other = marks.findIndex(({ seq, storedAt: then }) => {
    const now = storedAt.get(seq);
    return now !== undefined && !isSameTime(now, then);
  });
  return other === -1 ? end : (marks[other - 1]?.seq ?? 0);
}

/** What is gone at the beginning and too young for that. */
function lostHead(recorded: StreamPosition, state: StreamState, keptSinceMs: number): SeqRange | undefined {
  const to = Math.min(state.firstSeq - 1, recorded.lastSeq);
  const gone = recorded.marks.filter(({ seq }) => seq >= recorded.firstSeq && seq <= to);
  const at = gone.findIndex(
    ({ seq, storedAt }) => Date.parse(storedAt) > keptSinceMs && !covers(recorded.holes, seq),
  );
  const young = gone[at];
  if (young === undefined) return undefined;
  // What lies between the last that is too old and this one may be too old as well, unless all went at once.
  const isNew = state.created !== recorded.created;
  const from = isNew ? Math.max(recorded.firstSeq, (gone[at - 1]?.seq ?? 0) + 1) : young.seq;
  return { from, to };
}

function covers(ranges: readonly SeqRange[], seq: number): boolean {
  return ranges.some(({ from, to }) => seq >= from && seq <= to);
}

/** A range less others. */
function without(range: SeqRange, others: readonly SeqRange[]): SeqRange[] {
  let left = range.from <= range.to ? [range] : [];
  for (const { from, to } of others) {
    left = left.flatMap((part) => {
      if (to < part.from || from > part.to) return [part];
      const pieces = [
        { from: part.from, to: from - 1 },
        { from: to + 1, to: part.to },
      ];
      return pieces.filter((piece) => piece.from <= piece.to);
    });
  }
  return left;
}

/** Whether the messages within are fewer than the places, beyond what is known to be lost. Pure. */
export function hasNewHoles(recorded: StreamPosition, state: StreamState): boolean {
  const places = state.messages === 0 ? 0 : state.lastSeq - state.firstSeq + 1;
  const known = recorded.holes.reduce((sum, { from, to }) => {
    return sum + Math.max(0, Math.min(to, state.lastSeq) - Math.max(from, state.firstSeq) + 1);
  }, 0);
  return places - state.messages > known;
}

/** The position after a look: what was found lost is known from then on. Pure. */
export function nextPosition(
  recorded: StreamPosition | undefined,
  state: StreamState,
  damage: StreamDamage | undefined,
  links?: LinkPlaces,
): StreamPosition {
  const kept = (recorded?.marks ?? []).filter(({ seq }) => damage === undefined || seq <= damage.intactTo);
  const marks = kept.filter(({ seq }) => seq >= state.firstSeq && seq < state.lastSeq);
  if (state.lastSeq > 0) {
    const mark = { seq: state.lastSeq, storedAt: state.lastAt };
    marks.push(links === undefined ? mark : { ...mark, links });
  }
  const holes = [...(recorded?.holes ?? []), ...(damage?.lost ?? [])]
    .map(({ from, to }) => ({ from, to: Math.min(to, damage?.intactTo ?? to) }))
    .filter(({ from, to }) => from <= to && to >= state.firstSeq);
  return {
    created: state.created,
    firstSeq: state.firstSeq,
    lastSeq: state.lastSeq,
    marks: thinMarks(marks),
    holes: holes.slice(-MAX_HOLES),
  };
}

/** Drops marks, oldest regions first, until few are left: their distances grow with their age. */
function thinMarks(marks: PlaceMark[]): PlaceMark[] {
  const kept = [...marks];
  while (kept.length > MAX_MARKS) {
    const newest = kept.at(-1)?.seq ?? 0;
    let least = Number.POSITIVE_INFINITY;
    let drop = 1;
    for (let i = 1; i < kept.length - RECENT_MARKS; i++) {
      const [before, here, after] = [kept[i - 1], kept[i], kept[i + 1]];
      if (before === undefined || here === undefined || after === undefined) continue;
      const weight = (after.seq - before.seq) / (newest - here.seq + 1);
      if (weight < least) [least, drop] = [weight, i];
    }
    kept.splice(drop, 1);
  }
  return kept;
}

/** Nanoseconds as a text that sorts: servers leave out zeros at the end. */
function sortable(time: string): string {
  const [whole = "", fraction = ""] = time.replace("Z", "").split(".");
  return `${whole}.${fraction.padEnd(9, "0")}`;
}

function isSameTime(a: string, b: string): boolean {
  return sortable(a) === sortable(b);
}

/** The nanosecond after a time, RFC 3339. Pure. */
export function justAfter(time: string): string {
  const [whole = "", fraction = ""] = sortable(time).split(".");
  const next = Number(fraction) + 1;
  if (next < 1e9) return `${whole}.${String(next).padStart(9, "0")}Z`;
  return new Date(Date.parse(`${whole}Z`) + 1000).toISOString();
}
