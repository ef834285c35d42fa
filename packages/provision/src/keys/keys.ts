import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newSignatureKey, readSeed, readSignatureKey, writeSecret, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { nkeys } from "nats";

/** One nkey: its public half, and the file that holds its seed. */
export interface Key {
  readonly publicKey: string;
  readonly seedFile: string;
}

/** A leaf key with, beside it, the form that a server config includes. */
export interface LeafKey extends Key {
  readonly includeFile: string;
}

/** Keys by their names, for example `alpha/members/kitchen`. */
export interface Keys {
  key(name: string): Key;
  leafKey(subnet: string): LeafKey;
  /** File of the key of this id that signs events of a subnet. */
  signatureKeyFile(subnet: string, id: string): string;
  /** The public half of a key whose seed is on another machine; nothing before that has joined. */
  joined(name: string): string | undefined;
}

/** The keys of a mesh in its state folder; made once, kept for good. */
export class KeyRing implements Keys {
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
    const file = join(this.#dir, signatureKeyPath(subnet, id));
    if (!existsSync(file)) newSignatureKey(file);
    readSignatureKey(file);
    return file;
  }

  /** Throws `invalid-config` when its file is spoilt: a server that reads such a key does not start. */
  joined(name: string): string | undefined {
    const file = join(this.#dir, `${name}${JOINED}`);
    if (!existsSync(file)) return undefined;
    const publicKey = readFileSync(file, "utf8").trim();
    if (isUserKey(publicKey)) return publicKey;
    throw new MeshError(
      "invalid-config",
      `${file} holds no public nkey; remove it, and join with a new code`,
    );
  }

  /** Takes the public half of a key that another machine has made, in place of one of before. */
  admit(name: string, publicKey: string): void {
    writeWhole(join(this.#dir, `${name}${JOINED}`), `${publicKey}\n`);
  }

  /** Forgets what other machines have joined with, but under these names. */
  forgetJoined(kept: ReadonlySet<string>): void {
    if (!existsSync(this.#dir)) return;
    for (const file of readdirSync(this.#dir, { recursive: true, encoding: "utf8" })) {
      const name = file.slice(0, -JOINED.length);
      if (file.endsWith(JOINED) && !kept.has(name)) rmSync(join(this.#dir, file));
    }
  }

  /** Makes a key another one. The old one opens nothing once the server has taken the new one. */
  rotate(name: string): void {
    const fresh = nkeys.createUser();
    writeSecret(join(this.#dir, `${name}.nk`), `${new TextDecoder().decode(fresh.getSeed())}\n`);
  }

  /** Drops the keys of a node that is gone: of a hub those of its subnet. */
  forget(id: string): void {
    const [subnet = "", node = ""] = id.split("/");
    if (node === "hub") rmSync(join(this.#dir, subnet), { recursive: true, force: true });
    else rmSync(join(this.#dir, `${memberKeyName(subnet, node)}.nk`), { force: true });
  }

  leafKey(subnet: string): LeafKey {
    const key = this.key(leafKeyName(subnet));
    const includeFile = join(this.#dir, subnet, "leaf.conf");
    writeSecret(includeFile, `nkey: ${JSON.stringify(readSeed(key.seedFile))}\n`);
    return { ...key, includeFile };
  }
}

/** Beside seeds, the public halves of those that other machines hold. */
const JOINED = ".joined";

/** Whether this is the public nkey of a user, its checksum included. */
export function isUserKey(text: string): boolean {
  if (!/^U[A-Z2-7]{55}$/.test(text)) return false;
  try {
    nkeys.fromPublic(text);
    return true;
  } catch {
    return false;
  }
}

/** Where a signature key lies below the folder of keys. */
export function signatureKeyPath(subnet: string, id: string): string {
  return join(subnet, "signatures", `${id}.key`);
}

/** What the key of a subnet's leaf connection is called. */
export function leafKeyName(subnet: string): string {
  return `${subnet}/leaf`;
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
