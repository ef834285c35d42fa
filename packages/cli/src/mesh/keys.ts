import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newSignatureKey, readSeed, readSignatureKey, writeSecret } from "@adaos/config";
import { MeshError, type NodeAddress } from "@adaos/core";
import { nkeys } from "nats";

/** One nkey: its public half, and the file that holds its seed. */
export interface Key {
  readonly publicKey: string;
  readonly seedFile: string;
}

/** The keys of a mesh in its state folder; made once, kept for good. */
export class KeyRing {
  readonly #dir: string;

  constructor(stateDir: string) {
    this.#dir = join(stateDir, "keys");
  }

  /** The key of this name, for example `alpha/members/kitchen`. Throws `invalid-config` when its file is spoilt. */
  key(name: string): Key {
    const seedFile = join(this.#dir, `${name}.nk`);
    if (!existsSync(seedFile)) {
      const fresh = nkeys.createUser();
      writeSecret(seedFile, `${new TextDecoder().decode(fresh.getSeed())}\n`);
    }
    return { publicKey: publicKeyOf(readSeed(seedFile), seedFile), seedFile };
  }

  /** File of the key of this id that signs events of a subnet. Throws `invalid-config` when it is spoilt. */
  signatureKeyFile(subnet: string, id: string): string {
    const file = join(this.#dir, subnet, "signatures", `${id}.key`);
    if (!existsSync(file)) newSignatureKey(file);
    readSignatureKey(file);
    return file;
  }

  /** Makes a member's key another one. The old one opens nothing once its hub has taken the new one. */
  rotate(member: NodeAddress): void {
    const fresh = nkeys.createUser();
    writeSecret(this.#memberFile(member), `${new TextDecoder().decode(fresh.getSeed())}\n`);
  }

  /** Drops the keys of a node that is gone: of a hub those of its subnet. */
  forget(id: string): void {
    const [subnet = "", node = ""] = id.split("/");
    if (node === "hub") rmSync(join(this.#dir, subnet), { recursive: true, force: true });
    else rmSync(this.#memberFile({ subnet, node }), { force: true });
  }

  #memberFile({ subnet, node }: NodeAddress): string {
    return join(this.#dir, `${memberKeyName(subnet, node)}.nk`);
  }

  /** A leaf key with, beside it, the form that a server config includes. */
  leafKey(subnet: string): Key & { readonly includeFile: string } {
    const key = this.key(`${subnet}/leaf`);
    const includeFile = join(this.#dir, subnet, "leaf.conf");
    writeSecret(includeFile, `nkey: ${JSON.stringify(readSeed(key.seedFile))}\n`);
    return { ...key, includeFile };
  }
}

/** What a member's key is called. */
export function memberKeyName(subnet: string, node: string): string {
  return `${subnet}/members/${node}`;
}

function publicKeyOf(seed: string, file: string): string {
  try {
    return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  } catch (cause) {
    throw new MeshError("invalid-config", `${file} is not an nkey seed; remove it to have a new one made`, {
      cause,
    });
  }
}
