import { ReadingLimit } from "@adaos/transport-nats";

/** What everybody gets is not limited by what the first who asks has left. */
const MAX_READ = 1_000_000;
const READ_LIMIT_MS = 35_000;
/** Different questions that are remembered at a time. */
const MAX_KEPT = 32;

interface Kept<T> {
  readonly answer: Promise<T>;
  readonly limit: ReadingLimit;
  readonly atMs: number;
}

/** Answers that cost a look at every server or a whole registry: all who ask within a moment get the same one. */
export class KeptAnswers<T> {
  readonly #ageMs: number;
  readonly #kept = new Map<string, Kept<T>>();

  /** @param ageMs How old an answer may be. */
  constructor(ageMs: number) {
    this.#ageMs = ageMs;
  }

  /** Rejects as `make` does; an error is not kept. Whoever gets an answer that was cut learns it by his limit. */
  async get(key: string, make: () => Promise<T>): Promise<T> {
    const { answer, limit } = this.#keptOr(key, make);
    const got = await answer;
    if (limit.isReached) ReadingLimit.current?.reach();
    return got;
  }

  #keptOr(key: string, make: () => Promise<T>): Kept<T> {
    const known = this.#kept.get(key);
    if (known !== undefined && performance.now() - known.atMs <= this.#ageMs) return known;
    const limit = new ReadingLimit(MAX_READ, READ_LIMIT_MS);
    const answer = limit.run(make);
    const kept = { answer, limit, atMs: performance.now() };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    answer.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    });
    return kept;
  }
}
