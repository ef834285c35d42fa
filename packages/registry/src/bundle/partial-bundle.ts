import { createHash } from "node:crypto";
import { MeshError } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import type { RegistryProof } from "../proof.ts";
import { MAX_BUNDLE_BYTES, parseBundle, type RegistryBundle } from "./bundle.ts";

/** Part of a bundle in one message, which is base64 and has room for 1 MiB. */
export const PART_BYTES: number = 512 * 1024;

/** The part of a bundle that begins at this byte. */
export function partOf({ bytes }: Pick<RegistryBundle, "bytes">, offset: number): Uint8Array {
  return bytes.subarray(offset, offset + PART_BYTES);
}

/** The parts of a bundle that its heading needs. */
type NamedBundle = Pick<RegistryBundle, "bytes" | "digest"> & {
  readonly registry: { readonly hash: string };
};

/** The server's description of a bundle, sent before the first part. */
export interface BundleHeading {
  /** Identifies the registry's meaning. */
  readonly hash: string;
  /** sha-256 in hex of the document, and its length. */
  readonly digest: string;
  readonly bytes: number;
}

export function headingOf({ registry, digest, bytes }: NamedBundle): BundleHeading {
  return { hash: registry.hash, digest, bytes: bytes.length };
}

/** A bundle that is received in parts. */
export class PartialBundle {
  readonly heading: BundleHeading;
  readonly #origin: string;
  readonly #parts: Uint8Array[] = [];
  #offset = 0;

  /** @param origin Its source, for messages. Throws `too-large`. */
  constructor(heading: BundleHeading, origin: string) {
    if (heading.bytes > MAX_BUNDLE_BYTES) {
      const told = `the registry of ${origin} is ${heading.bytes} bytes, the limit is ${MAX_BUNDLE_BYTES}`;
      throw new MeshError("too-large", told);
    }
    this.heading = heading;
    this.#origin = origin;
  }

  /** Offset of the next part. */
  get offset(): number {
    return this.#offset;
  }

  get isComplete(): boolean {
    return this.#offset >= this.heading.bytes;
  }

  /**
   * Adds the next part; a part with another offset, an empty or a too large one is ignored. Returns whether it was
   * added.
   */
  add(offset: number, part: Uint8Array): boolean {
    const fits = part.length > 0 && offset + part.length <= this.heading.bytes;
    if (offset !== this.#offset || !fits) return false;
    this.#parts.push(part);
    this.#offset += part.length;
    return true;
  }

  /** Rejects with `invalid-config` for a document that differs from its heading, or is not a valid registry. */
  async read(proof?: RegistryProof): Promise<RegistryBundle> {
    const bytes = Buffer.concat(this.#parts);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const bundle = digest === this.heading.digest ? await parseBundle(bytes, this.#origin, proof) : undefined;
    if (bundle?.registry.hash === this.heading.hash) return bundle;
    const what = quote(this.heading.hash.slice(0, 64));
    throw new MeshError("invalid-config", `${this.#origin} handed over another registry than ${what}`);
  }
}
