/**
 * Keeps the newest entries: at least `least` of them, at most twice as many. It drops a generation at a time, since
 * a Map that deletes its oldest entry with every new one grows slow.
 */
export class RecentMap<K, V> {
  readonly #least: number;
  #newer = new Map<K, V>();
  #older = new Map<K, V>();

  constructor(least: number) {
    this.#least = least;
  }

  get(key: K): V | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  set(key: K, value: V): void {
    if (this.#newer.size >= this.#least) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, value);
  }

  delete(key: K): void {
    this.#newer.delete(key);
    this.#older.delete(key);
  }
}
