import { type Logger, MeshError } from "@adaos/core";
import { FORMATS, inFormat } from "@adaos/core/wire";
import {
  type LinkPlaces,
  nextPosition,
  type StreamDamage,
  type StreamPosition,
  type StreamState,
} from "./compare-stream.ts";
import { type DurablePosition, goesOnAt } from "./durables-anew.ts";

/** Keeps a text beside a store: a reader finds the old one or the new one, never a part. */
export interface PositionFile {
  /** Undefined when there is none yet. */
  read(): string | undefined;
  write(text: string): void;
  /** Its path, for messages. */
  readonly place?: string;
  /** Adds a line to the ledger of losses. */
  note(line: string): void;
}

/** The position of a stream and of its durables at the last look. */
export interface BookedStream extends StreamPosition {
  readonly durables: Readonly<Record<string, DurablePosition>>;
}

interface Book {
  readonly version: 1;
  readonly writtenAt: string;
  readonly streams: Readonly<Record<string, BookedStream>>;
  /** Open requests to other nodes, by name. */
  readonly open?: Readonly<Record<string, string>>;
}

/** The positions of a node's streams and durables. With a file they survive the daemon. */
export class PositionBook {
  readonly #file: PositionFile | undefined;
  readonly #log: Logger;
  readonly #streams = new Map<string, BookedStream>();
  readonly #open = new Map<string, string>();
  #isChanged = false;
  #writtenText = "";

  constructor(file: PositionFile | undefined, log: Logger) {
    this.#file = file;
    this.#log = log;
    const { streams, open = {} } = this.#read();
    for (const [name, booked] of Object.entries(streams)) this.#streams.set(name, booked);
    for (const [name, value] of Object.entries(open)) this.#open.set(name, value);
  }

  /** Open requests to other nodes; they survive the daemon as well. */
  get open(): ReadonlyMap<string, string> {
    return this.#open;
  }

  setOpen(name: string, value: string | undefined): void {
    if (this.#open.get(name) === value) return;
    if (value === undefined) this.#open.delete(name);
    else this.#open.set(name, value);
    this.#isChanged = true;
    this.write();
  }

  of(stream: string): BookedStream | undefined {
    return this.#streams.get(stream);
  }

  /** The place from which a recreated durable continues; undefined when none of that name was known. */
  startOf(stream: string, consumer: string): number | undefined {
    const durable = this.#streams.get(stream)?.durables[consumer];
    return durable === undefined ? undefined : goesOnAt(durable, Number.POSITIVE_INFINITY);
  }

  /** Records the state of the stream at this look. A durable's place does not stay within a lost range. */
  set(stream: string, state: StreamState, damage?: StreamDamage, links?: LinkPlaces): void {
    const booked = this.#streams.get(stream);
    const durables = Object.entries(booked?.durables ?? {}).map(([name, durable]) => {
      const floor = Math.min(durable.floor, damage?.intactTo ?? durable.floor);
      return [name, { ...durable, floor }] as const;
    });
    const position = nextPosition(booked, state, damage, links);
    this.#streams.set(stream, { ...position, durables: Object.fromEntries(durables) });
    this.#isChanged = true;
  }

  setDurable(stream: string, consumer: string, durable: DurablePosition): void {
    const booked = this.#streams.get(stream);
    if (booked === undefined) return;
    this.#streams.set(stream, { ...booked, durables: { ...booked.durables, [consumer]: durable } });
    this.#isChanged = true;
  }

  /** Records all durables that the stream has now. */
  setDurables(stream: string, durables: Readonly<Record<string, DurablePosition>>): void {
    const booked = this.#streams.get(stream);
    if (booked === undefined) return;
    this.#streams.set(stream, { ...booked, durables });
    this.#isChanged = true;
  }

  /** A durable of that name will start anew. */
  forgetDurable(stream: string, consumer: string): void {
    const booked = this.#streams.get(stream);
    if (booked?.durables[consumer] === undefined) return;
    const { [consumer]: _, ...durables } = booked.durables;
    this.setDurables(stream, durables);
  }

  /** A stream of that name will start anew. */
  forget(stream: string): void {
    this.#isChanged = this.#streams.delete(stream) || this.#isChanged;
  }

  /** Writes the changes. When the disk refuses them, logs that and tries again the next time. */
  write(): void {
    if (!this.#isChanged || this.#file === undefined) return;
    const streams = Object.fromEntries(this.#streams);
    const kept = { streams, open: Object.fromEntries(this.#open) };
    const text = JSON.stringify(kept);
    if (text === this.#writtenText) return;
    const book: Book = { version: 1, writtenAt: new Date().toISOString(), ...kept };
    try {
      this.#file.write(`${JSON.stringify(book)}\n`);
      this.#writtenText = text;
      this.#isChanged = false;
    } catch (err) {
      this.#log.warn({ err }, "positions not written");
    }
  }

  /** Records a loss for good. */
  noteLoss(line: object): void {
    try {
      this.#file?.note(JSON.stringify(line));
    } catch (err) {
      this.#log.warn({ err }, "loss not noted");
    }
  }

  #read(): Pick<Book, "streams" | "open"> {
    let text: string | undefined;
    try {
      text = this.#file?.read();
      if (text === undefined) return { streams: {} };
      return parseBook(text);
    } catch (err) {
      // What a later version knows of losses must not be forgotten.
      if (text !== undefined) assertBookFormat(text, this.#file?.place ?? "the file of stream positions");
      // The book is created anew: a daemon that does not start for this reason would help nobody.
      this.#log.error({ err }, "positions not read");
      return { streams: {} };
    }
  }
}

/** Throws `invalid-config` for a book of a later version. Pure. */
function assertBookFormat(text: string, place: string): void {
  let version: unknown;
  try {
    version = (JSON.parse(text) as Partial<Book> | null)?.version;
  } catch {
    // Not a book at all, as the caller reports.
    return;
  }
  if (typeof version === "number") inFormat(FORMATS.positions, { format: version }, place);
}

/** The content of a book. Throws `invalid-config` for a text that is not one. Pure. */
export function parseBook(text: string): Pick<Book, "streams" | "open"> {
  let book: Partial<Book> | null;
  try {
    book = JSON.parse(text) as Partial<Book> | null;
  } catch (cause) {
    throw new MeshError("invalid-config", "the file of stream positions is not JSON; remove it", { cause });
  }
  const streams = book?.version === 1 ? book.streams : undefined;
  const isWhole = (booked: Partial<BookedStream> | null): boolean =>
    typeof booked?.created === "string" &&
    typeof booked.lastSeq === "number" &&
    typeof booked.firstSeq === "number" &&
    Array.isArray(booked.marks) &&
    Array.isArray(booked.holes) &&
    typeof booked.durables === "object";
  if (streams === undefined || !Object.values(streams).every(isWhole))
    throw new MeshError("invalid-config", "the file of stream positions holds something else; remove it");
  return { streams, open: book?.open ?? {} };
}
