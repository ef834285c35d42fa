/** How full a stream is, and with whose messages. */
export interface StreamFill {
  /** Limit of the stream. */
  readonly maxBytes: number;
  /** Bytes that it holds now, from all holders. */
  readonly usedBytes: number;
  /** Bytes by holder, as far as known: bytes not known yet count for nobody. */
  readonly held: ReadonlyMap<string, number>;
  /** Everything that the stream holds is known. */
  readonly isComplete: boolean;
}

/**
 * A holder that was over its share is let in again below this part of it, so that it does not flip with each message.
 */
const BACK_BELOW = 0.9;

/**
 * Returns the holders with too much of a stream. A holder may have the part `share` of the sum of its own and the free
 * bytes. One holder alone stops at `share` of the stream. Several stop earlier, the more they are, and some room is
 * always left. A holder with at most an equal part of `share` of the stream is never over, however little is free.
 * Unknown bytes count in a holder's favour. A holder that was over is let in again only when all is known. Pure.
 * @param share Above 0, below 1.
 * @param over Holders that were over before.
 */
export function decideShares(fill: StreamFill, share: number, over: ReadonlySet<string>): Set<string> {
  const freeBytes = Math.max(0, fill.maxBytes - fill.usedBytes);
  const fairBytes = (share * fill.maxBytes) / Math.max(1, fill.held.size);
  const isOver = (bytes: number, part: number): boolean =>
    bytes > Math.max(part * (bytes + freeBytes), (part / share) * fairBytes);
  const now = new Set<string>();
  for (const [holder, bytes] of fill.held) if (isOver(bytes, share)) now.add(holder);
  for (const holder of over) {
    const bytes = fill.held.get(holder) ?? 0;
    if (!fill.isComplete || isOver(bytes, share * BACK_BELOW)) now.add(holder);
  }
  return now;
}

/** Consecutive places of a stream, counted together. */
interface Chunk {
  readonly firstSeq: number;
  lastSeq: number;
  /** Bytes by holder. */
  readonly held: Map<string, number>;
}

/** Limit of chunks; beyond it, neighbours are joined. */
const MAX_CHUNKS = 256;
const FIRST_CHUNK_PLACES = 64;

/**
 * Counts each holder's bytes in a stream, from its places in order. Messages that the stream drops at its beginning are
 * subtracted chunk by chunk, so that no single message has to be remembered. The sums are too high by one chunk at
 * most.
 */
export class StreamHoldings {
  readonly #chunks: Chunk[] = [];
  readonly #held = new Map<string, number>();
  #chunkPlaces = FIRST_CHUNK_PLACES;
  #bytes = 0;

  /** Bytes of all holders together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes by holder. */
  get held(): ReadonlyMap<string, number> {
    return this.#held;
  }

  /** Adds the content of these places, which come after all earlier ones. */
  add(firstSeq: number, lastSeq: number, holder: string, bytes: number): void {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || lastSeq - chunk.firstSeq >= this.#chunkPlaces) {
      if (this.#chunks.length >= MAX_CHUNKS) this.#merge();
      chunk = { firstSeq, lastSeq, held: new Map() };
      this.#chunks.push(chunk);
    }
    chunk.lastSeq = lastSeq;
    increase(chunk.held, holder, bytes);
    increase(this.#held, holder, bytes);
    this.#bytes += bytes;
  }

  /** The stream has nothing before `firstSeq` any more. */
  trim(firstSeq: number): void {
    const kept = this.#chunks.findIndex(({ lastSeq }) => lastSeq >= firstSeq);
    const gone = this.#chunks.splice(0, kept === -1 ? this.#chunks.length : kept);
    for (const [holder, bytes] of gone.flatMap(({ held }) => [...held])) {
      increase(this.#held, holder, -bytes);
      this.#bytes -= bytes;
    }
    for (const [holder, bytes] of this.#held) if (bytes < 1) this.#held.delete(holder);
  }

  #merge(): void {
    this.#chunkPlaces *= 2;
    const chunks = this.#chunks.splice(0);
    for (let i = 0; i < chunks.length; i += 2) {
      const [one, next] = [chunks[i], chunks[i + 1]];
      if (one === undefined) continue;
      if (next !== undefined) {
        one.lastSeq = next.lastSeq;
        for (const [holder, bytes] of next.held) increase(one.held, holder, bytes);
      }
      this.#chunks.push(one);
    }
  }
}

function increase(sums: Map<string, number>, key: string, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by);
}

/** Places that nobody has read yet. */
interface Unread {
  readonly firstSeq: number;
  lastSeq: number;
  readonly held: Map<string, number>;
}

const MAX_UNREAD = 64;

/** Estimates the holders of bytes of a stream that have not been read yet. */
export class UnreadHoldings {
  readonly #ranges: Unread[] = [];

  /**
   * Estimates the writers of `bytes` at these places, which come after all others. Each holder counts in proportion to
   * what it has sent meanwhile.
   */
  add(firstSeq: number, lastSeq: number, bytes: number, sent: ReadonlyMap<string, number>): void {
    const all = [...sent.values()].reduce((sum, own) => sum + Math.max(0, own), 0);
    if (all <= 0 || bytes <= 0) return;
    const held = new Map([...sent].map(([holder, own]) => [holder, (bytes * Math.max(0, own)) / all]));
    const last = this.#ranges.at(-1);
    if (last === undefined || this.#ranges.length < MAX_UNREAD)
      this.#ranges.push({ firstSeq, lastSeq, held });
    else {
      last.lastSeq = lastSeq;
      for (const [holder, own] of held) increase(last.held, holder, own);
    }
  }

  /** Everything up to here has been read. */
  forget(readSeq: number): void {
    const kept = this.#ranges.findIndex(({ lastSeq }) => lastSeq > readSeq);
    this.#ranges.splice(0, kept === -1 ? this.#ranges.length : kept);
  }

  /** Bytes by holder behind this place. */
  after(readSeq: number): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { firstSeq, lastSeq, held } of this.#ranges) {
      const left = (lastSeq - Math.max(readSeq, firstSeq - 1)) / (lastSeq - firstSeq + 1);
      if (left > 0) for (const [holder, bytes] of held) increase(sums, holder, bytes * left);
    }
    return sums;
  }
}
