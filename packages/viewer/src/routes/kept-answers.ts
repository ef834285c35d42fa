/** Different questions that are remembered at a time. */
const MAX_KEPT = 32;

interface Kept<T> {
  readonly answer: Promise<T>;
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

  /** Rejects as `make` does; an error is not kept. */
  get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(key);
    if (known !== undefined && performance.now() - known.atMs <= this.#ageMs) return known.answer;
    const answer = make();
    const kept = { answer, atMs: performance.now() };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    answer.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    });
    return answer;
  }
}
