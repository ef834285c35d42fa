import { hash } from "node:crypto";
import { MeshError } from "@adaos/core";
import type { MarkId } from "./mark-record.ts";

/** Names effects of durables in the form of mark files. */
export class MarkIds {
  readonly #durables = new Map<string, MarkId>();
  readonly #id: MarkId = new Uint32Array(4);
  readonly #bytes: Buffer = Buffer.alloc(16);

  /**
   * Combines the key, which is a hash, with the hash of the durable: a collision is as hard to find as for either. The
   * next call overwrites the result.
   */
  of(durable: string, key: string): MarkId {
    if (key.length !== 32) throw new MeshError("internal", `no effect key: ${key}`);
    let mask = this.#durables.get(durable);
    if (mask === undefined) {
      mask = wordsOf(hash("sha256", durable, "hex"));
      this.#durables.set(durable, mask);
    }
    this.#bytes.write(key, "hex");
    for (let i = 0; i < 4; i++) this.#id[i] = this.#bytes.readUInt32BE(4 * i) ^ (mask[i] ?? 0);
    return this.#id;
  }
}

function wordsOf(hex: string): MarkId {
  const bytes = Buffer.from(hex, "hex");
  return Uint32Array.from({ length: 4 }, (_, i) => bytes.readUInt32BE(4 * i));
}
