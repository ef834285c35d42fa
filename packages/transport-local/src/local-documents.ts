import { MeshError } from "@adaos/core";
import {
  type Documents,
  type DocumentWrite,
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_WRITES,
  MAX_RECORDS,
  type RecordKind,
  type StoredDocument,
} from "@adaos/core/wire";

/** Documents and records of one node, in memory. All its processes are this one. */
export class LocalDocuments implements Documents {
  readonly #documents = new Map<string, StoredDocument>();
  readonly #records = new Map<string, Map<string, string>>();
  #seq = 0;

  async read(key: string): Promise<StoredDocument | undefined> {
    return this.#documents.get(key);
  }

  async write(writes: readonly DocumentWrite[]): Promise<readonly number[] | undefined> {
    if (writes.length > MAX_DOCUMENT_WRITES)
      throw new MeshError("too-large", `at most ${MAX_DOCUMENT_WRITES} documents are written together`);
    for (const { key, text = "", seq } of writes) {
      if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
        throw new MeshError("too-large", `document ${key} has more than ${MAX_DOCUMENT_BYTES} bytes`);
      if (seq !== undefined && seq !== (this.#documents.get(key)?.seq ?? 0)) return undefined;
    }
    return writes.map(({ key, text }) => {
      this.#seq++;
      if (text === undefined) this.#documents.delete(key);
      else this.#documents.set(key, { text, seq: this.#seq });
      return this.#seq;
    });
  }

  async record(scenario: string, kind: RecordKind, id: string, text: string): Promise<void> {
    const of = `${scenario}.${kind}`;
    const records = this.#records.get(of) ?? new Map<string, string>();
    this.#records.set(of, records.set(id, text));
    const [oldest] = records.keys();
    if (records.size > MAX_RECORDS && oldest !== undefined) records.delete(oldest);
  }

  /** The records of a scenario, oldest first. */
  records(scenario: string, kind: RecordKind): readonly string[] {
    return [...(this.#records.get(`${scenario}.${kind}`)?.values() ?? [])];
  }

  /** In a process of its own nobody else changes them. */
  onChanged(): () => void {
    return () => undefined;
  }
}
