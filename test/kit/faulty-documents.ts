import type { Documents, DocumentWrite } from "@adaos/core/wire";
import { LocalBroker, type LocalDocuments } from "@adaos/transport-local";

const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

/** Documents whose store is slow, fails before it has written, or after. */
export class FaultyDocuments implements Documents {
  readonly inner: LocalDocuments = new LocalBroker({ subnet: "alpha" }).documentsOf("kitchen");
  readonly #chance: () => number;
  readonly #share: number;

  constructor(chance: () => number, share: number) {
    this.#chance = chance;
    this.#share = share;
  }

  async read(key: string) {
    await this.#trouble();
    return this.inner.read(key);
  }

  async write(writes: readonly DocumentWrite[]) {
    await this.#trouble();
    const written = await this.inner.write(writes);
    await this.#trouble();
    return written;
  }

  async record(...record: Parameters<Documents["record"]>) {
    await this.#trouble();
    await this.inner.record(...record);
  }

  onChanged(): () => void {
    return () => undefined;
  }

  async #trouble(): Promise<void> {
    for (let i = Math.floor(this.#chance() * 3); i > 0; i--) await turn();
    if (this.#chance() < this.#share) throw new Error("the store fails");
  }
}
