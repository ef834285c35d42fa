import { createHash } from "node:crypto";
import { MeshError } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import type { RegistryProof } from "../proof.ts";
import { MAX_BUNDLE_BYTES, parseBundle, type RegistryBundle } from "./bundle.ts";

/** So much of a bundle goes into one message, which is base64 and has room for 1 MiB. */
export const PART_BYTES: number = 512 * 1024;

/** The part of a bundle that begins at this byte. */
export function partOf({ bytes }: Pick<RegistryBundle, "bytes">, offset: number): Uint8Array {
  return bytes.subarray(offset, offset + PART_BYTES);
}

/** What of a bundle its heading is made of. */
type NamedBundle = Pick<RegistryBundle, "bytes" | "digest"> & {
  readonly registry: { readonly hash: string };
};

/** What its keeper says of a bundle before it hands over the first part. */
export interface BundleHeading {
  /** Names what the registry means. */
  readonly hash: string;
  /** sha-256 in hex of the document, and its length. */
  readonly digest: string;
  readonly bytes: number;
}

export function headingOf({ registry, digest, bytes }: NamedBundle): BundleHeading {
  return { hash: registry.hash, digest, bytes: bytes.length };
}

/** A bundle that comes in parts. */
export class PartialBundle {
  readonly heading: BundleHeading;
  readonly #origin: string;
  readonly #parts: Uint8Array[] = [];
  #offset = 0;

  /** @param origin Where it comes from, for messages. Throws `too-large`. */
  constructor(heading: BundleHeading, origin: string) {
    if (heading.bytes > MAX_BUNDLE_BYTES) {
      const told = `the registry of ${origin} is ${heading.bytes} bytes, the limit is ${MAX_BUNDLE_BYTES}`;
      throw new MeshError("too-large", told);
    }
    this.heading = heading;
    this.#origin = origin;
  }

  /** Where the next part begins. */
  get offset(): number {
    return this.#offset;
  }

  get isComplete(): boolean {
    return this.#offset >= this.heading.bytes;
  }

  /**
   * Takes the next part; one that begins elsewhere, holds nothing or too much is left. Returns whether it was taken.
   */
  add(offset: number, part: Uint8Array): boolean {
    const fits = part.length > 0 && offset + part.length <= this.heading.bytes;
    if (offset !== this.#offset || !fits) return false;
    this.#parts.push(part);
    this.#offset += part.length;
    return true;
  }

  /** Rejects with `invalid-config` for what is not what its heading says, or no registry that a folder could hold. */
  async read(proof?: RegistryProof): Promise<RegistryBundle> {
    const bytes = Buffer.concat(this.#parts);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const bundle = digest === this.heading.digest ? await parseBundle(bytes, this.#origin, proof) : undefined;
    if (bundle?.registry.hash === this.heading.hash) return bundle;
    const what = quote(this.heading.hash.slice(0, 64));
    throw new MeshError("invalid-config", `${this.#origin} handed over another registry than ${what}`);
  }
}
