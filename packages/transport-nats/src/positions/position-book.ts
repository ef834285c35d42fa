import { type Logger, MeshError } from "@adaos/core";
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
  /** Nothing where there is none yet. */
  read(): string | undefined;
  write(text: string): void;
  /** Adds a line to the ledger of what was lost. */
  note(line: string): void;
}

/** A stream and its durables as they stood at the last look. */
export interface BookedStream extends StreamPosition {
  readonly durables: Readonly<Record<string, DurablePosition>>;
}

interface Book {
  readonly version: 1;
  readonly writtenAt: string;
  readonly streams: Readonly<Record<string, BookedStream>>;
  /** What others are still to be asked for, by name. */
  readonly open?: Readonly<Record<string, string>>;
}

/** Where streams and durables of a node stood. It outlives the daemon in a file; without one it ends with it. */
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

  /** What others are still to be asked for: it outlives the daemon as well. */
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

  /** Where a durable goes on that is made anew; nothing where none of that name was known. */
  startOf(stream: string, consumer: string): number | undefined {
    const durable = this.#streams.get(stream)?.durables[consumer];
    return durable === undefined ? undefined : goesOnAt(durable, Number.POSITIVE_INFINITY);
  }

  /** The stream is as this look has found it. What a loss took is no place of a durable any more. */
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

  /** All that the stream has now. */
  setDurables(stream: string, durables: Readonly<Record<string, DurablePosition>>): void {
    const booked = this.#streams.get(stream);
    if (booked === undefined) return;
    this.#streams.set(stream, { ...booked, durables });
    this.#isChanged = true;
  }

  /** One of that name begins anew. */
  forgetDurable(stream: string, consumer: string): void {
    const booked = this.#streams.get(stream);
    if (booked?.durables[consumer] === undefined) return;
    const { [consumer]: _, ...durables } = booked.durables;
    this.setDurables(stream, durables);
  }

  /** One of that name begins anew. */
  forget(stream: string): void {
    this.#isChanged = this.#streams.delete(stream) || this.#isChanged;
  }

  /** Writes what has changed. A disk that takes nothing is told, and tried again the next time. */
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

  /** Names for good what a store has lost. */
  noteLoss(line: object): void {
    try {
      this.#file?.note(JSON.stringify(line));
    } catch (err) {
      this.#log.warn({ err }, "loss not noted");
    }
  }

  #read(): Pick<Book, "streams" | "open"> {
    try {
      const text = this.#file?.read();
      return text === undefined ? { streams: {} } : parseBook(text);
    } catch (err) {
      // It is made anew: a daemon that does not start for it would help nobody.
      this.#log.error({ err }, "positions not read");
      return { streams: {} };
    }
  }
}

/** What a book holds. Throws `invalid-config` for what is none. Pure. */
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
