import { MeshError } from "@adaos/core";
import { deadLettersOf, delay, type LetterOwner } from "@adaos/core/wire";
import type { DeadLetterQueue } from "@adaos/transport-nats";
import { batchSize } from "../replay/replay-run.ts";
import type { FoundLetter, KeptDeadLetter } from "./dead-letters.ts";

export interface LetterReplay {
  /** Which of those that were found. */
  readonly isMeant: (letter: KeptDeadLetter) => boolean;
  /** Started a second. @default as many as can be */
  readonly perSecond?: number | undefined;
  /** Those whose event is stored already: they are only taken away. @default none */
  readonly isStored?: ((letter: KeptDeadLetter) => boolean) | undefined;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each that is meant: it runs again, or why not. */
  onEnd(letter: KeptDeadLetter, error?: MeshError): void;
}

/** The part of a queue that a replay needs. */
type LetterQueue = Pick<DeadLetterQueue, "store" | "remove" | "removeUpTo">;

/** Letters that are stored together. */
interface Batch {
  readonly letters: readonly Meant[];
  /** The findings on the way, by durable. */
  readonly found: ReadonlyMap<string, Found>;
}

interface Meant {
  readonly letter: KeptDeadLetter;
  /** Key of its durable; undefined when the letter is only to be removed. */
  readonly key: string | undefined;
}

interface Found {
  readonly owner: LetterOwner;
  /** The last place. */
  last: number;
  /** Something of it is not meant. */
  stays: boolean;
}

const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Gives dead letters to their handlers again, oldest first, and takes each away once its event is stored. While a batch
 * is being stored the next is read: the stream always has a full one to write. To take one letter away costs the server
 * as much as to store one, a disk sync; to take away all of a durable up to a place costs as much for all. So letters
 * go together, as long as nothing of their durable stays behind.
 */
export async function replayLetters(
  letters: AsyncIterable<FoundLetter>,
  queue: LetterQueue,
  replay: LetterReplay,
): Promise<void> {
  /** Durables of which something stays: from then on their letters go one by one. */
  const staying = new Set<string>();
  let before: Promise<void> = Promise.resolve();
  let dueMs = performance.now();
  try {
    for await (const batch of batches(letters, replay)) {
      const waitMs = dueMs - performance.now();
      if (replay.perSecond !== undefined) {
        if (waitMs > 1) await delay(waitMs, replay.signal);
        dueMs = Math.max(dueMs, performance.now()) + (batch.letters.length * 1000) / replay.perSecond;
      }
      if (replay.signal?.aborted === true) return;
      // All in one tick, so that they keep their order and share what the stream writes at once.
      const stored = Promise.all(batch.letters.map(({ letter }) => store(queue, letter, replay)));
      await before;
      before = stored.then((failures) => takeAway(queue, batch, failures, staying, replay));
      // The promise is awaited below, even if reading fails before that.
      before.catch(() => undefined);
    }
  } finally {
    await before;
  }
}

async function store(
  queue: LetterQueue,
  letter: KeptDeadLetter,
  { isStored }: LetterReplay,
): Promise<MeshError | undefined> {
  return isStored?.(letter) === true ? undefined : failureOf(queue.store(letter));
}

async function takeAway(
  queue: LetterQueue,
  { letters, found }: Batch,
  failures: readonly (MeshError | undefined)[],
  staying: Set<string>,
  { onEnd }: LetterReplay,
): Promise<void> {
  for (const [key, { stays }] of found) if (stays) staying.add(key);
  for (const [i, { key }] of letters.entries())
    if (failures[i] !== undefined && key !== undefined) staying.add(key);
  const going = new Map<string, Promise<MeshError | undefined>>();
  for (const [key, { owner, last }] of found)
    if (!staying.has(key)) going.set(key, failureOf(queue.removeUpTo(owner, last)));
  const ends = letters.map(async ({ letter, key = "" }, i) => {
    onEnd(letter, failures[i] ?? (await (going.get(key) ?? failureOf(queue.remove(letter)))));
  });
  await Promise.all(ends);
}

/** The error of an action; undefined when it succeeded. */
async function failureOf(done: Promise<unknown>): Promise<MeshError | undefined> {
  try {
    await done;
    return undefined;
  } catch (thrown) {
    return MeshError.from(thrown, "unavailable", "not done");
  }
}

async function* batches(
  letters: AsyncIterable<FoundLetter>,
  { isMeant, perSecond }: LetterReplay,
): AsyncGenerator<Batch> {
  const size = batchSize(perSecond);
  let batch: Meant[] = [];
  let found = new Map<string, Found>();
  let bytes = 0;
  for await (const { owner, kept, letter } of letters) {
    const meant = letter !== undefined && isMeant(letter) ? letter : undefined;
    const more = meant?.entry.message.body_base64.length ?? 0;
    if (batch.length >= size || (batch.length > 0 && bytes + more > MAX_BATCH_BYTES)) {
      yield { letters: batch, found };
      [batch, found, bytes] = [[], new Map(), 0];
    }
    const key = owner === undefined ? undefined : deadLettersOf(owner);
    if (owner !== undefined && key !== undefined) {
      const of = found.get(key) ?? { owner, last: kept, stays: false };
      found.set(key, { owner, last: kept, stays: of.stays || meant === undefined });
    }
    if (meant !== undefined) batch.push({ letter: meant, key });
    bytes += more;
  }
  if (batch.length > 0) yield { letters: batch, found };
}
