/**
 * A message's place in its stream, and the time at which it was stored: RFC 3339 in nanoseconds, unique in the stream.
 */
export interface PlaceMark {
  readonly seq: number;
  readonly storedAt: string;
  /** The place that each link of the stream had reached at that look, by link name. A refill goes on from there. */
  readonly links?: LinkPlaces;
}

/** When links were looked at, RFC 3339, and the place in its source up to which each link had carried everything. */
export interface LinkPlaces {
  readonly at: string;
  readonly places: Readonly<Record<string, number>>;
}

/** Places of a stream, both ends included. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** The position of a stream at the last look. */
export interface StreamPosition {
  /** When the server created it, RFC 3339. */
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** The newest message of earlier looks: of all the last ones, and of fewer the older they are. Oldest first. */
  readonly marks: readonly PlaceMark[];
  /** Places within it that are known to be lost. */
  readonly holes: readonly SeqRange[];
}

/** The state of a stream as the server reports it. */
export interface StreamState {
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly messages: number;
  /** Time of the last message, also when that is deleted. */
  readonly lastAt: string;
}

/** The data read from a stream to compare it with its position. */
export interface StreamReading {
  readonly state: StreamState;
  /** The first place that was stored later than the newest mark; undefined when there is none. */
  readonly firstAfter?: number;
  /** Storage times of the places that marks name, as far as they were read and exist. */
  readonly storedAt: ReadonlyMap<number, string>;
  /** Places within it that hold no message, if they were asked for. */
  readonly holes?: readonly SeqRange[];
}

/** The settings by which a stream removes messages as intended. */
export interface StreamKeeping {
  /** Only age removes a message. Otherwise only the stream's end and its marks are compared. */
  readonly isDense: boolean;
  readonly maxAgeMs: number;
}

/** The difference between a stream and its recorded position. */
export interface StreamDamage {
  /** The server has created it again; it may still hold everything. */
  readonly isNew: boolean;
  /** The stream is unchanged up to here, apart from {@link lost}; everything behind was stored later. */
  readonly intactTo: number;
  readonly lost: readonly SeqRange[];
}

/** Newest marks, all kept. Older marks are thinned out, the oldest most. */
const RECENT_MARKS = 8;
const MAX_MARKS = 24;
const MAX_HOLES = 256;
/** The clocks of server and daemon differ, and a server removes expired messages a little late. */
const AGE_SLACK_MS = 60_000;

/** How a stream differs from its recorded position; undefined when it does not. Pure. */
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
  // The beginning of a stream that drops its oldest messages proves nothing, unless all recorded messages are gone.
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

/** The last unchanged place: the recorded end, unless the stream was cut or rewritten before it. */
function intactUpTo(recorded: StreamPosition, { state, firstAfter, storedAt }: StreamReading): number {
  let end = Math.min(recorded.lastSeq, state.lastSeq);
  // The server does not reuse numbers that existed when the mark was made: later messages lie behind the mark.
  if (firstAfter !== undefined) end = Math.min(end, firstAfter - 1);
  const marks = recorded.marks.filter(({ seq }) => seq <= end);
  // A mark's place holds another message: the stream is unchanged only up to the mark before.
  const other = marks.findIndex(({ seq, storedAt: then }) => {
    const now = storedAt.get(seq);
    return now !== undefined && !isSameTime(now, then);
  });
  return other === -1 ? end : (marks[other - 1]?.seq ?? 0);
}

/** The range missing at the beginning that is too young to have expired. */
function lostHead(recorded: StreamPosition, state: StreamState, keptSinceMs: number): SeqRange | undefined {
  const to = Math.min(state.firstSeq - 1, recorded.lastSeq);
  const gone = recorded.marks.filter(({ seq }) => seq >= recorded.firstSeq && seq <= to);
  const at = gone.findIndex(
    ({ seq, storedAt }) => Date.parse(storedAt) > keptSinceMs && !covers(recorded.holes, seq),
  );
  const young = gone[at];
  if (young === undefined) return undefined;
  // Places between the last expired mark and this one may have expired too, unless all were lost at once.
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

/** Whether the stream has fewer messages than places, beyond the known losses. Pure. */
export function hasNewHoles(recorded: StreamPosition, state: StreamState): boolean {
  const places = state.messages === 0 ? 0 : state.lastSeq - state.firstSeq + 1;
  const known = recorded.holes.reduce((sum, { from, to }) => {
    return sum + Math.max(0, Math.min(to, state.lastSeq) - Math.max(from, state.firstSeq) + 1);
  }, 0);
  return places - state.messages > known;
}

/** The position after a look; losses that were found count as known from then on. Pure. */
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

/** Drops marks, from the oldest regions first, until few are left: the distance between marks grows with their age. */
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

/** Nanoseconds as a text that sorts: servers omit trailing zeros. */
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
