import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newSignatureKey, readSeed, readSignatureKey, writeSecret, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { nkeys } from "nats";

/** One nkey: its public half, and the file of its seed. */
export interface Key {
  readonly publicKey: string;
  readonly seedFile: string;
}

/** A leaf key, with the file that a server config includes. */
export interface LeafKey extends Key {
  readonly includeFile: string;
}

/** Keys by their names, for example `alpha/members/kitchen`. */
export interface Keys {
  key(name: string): Key;
  leafKey(subnet: string): LeafKey;
  /**
   * File for the configs of the root's servers, or of a hub's: their addresses, and the password by which they accept
   * each other.
   */
  routesFile(of: string, routes: readonly string[]): string;
  /** File of the key of this id that signs events of a subnet. */
  signatureKeyFile(subnet: string, id: string): string;
  /** The public half of a key whose seed is on another machine; undefined before that machine has joined. */
  joined(name: string): string | undefined;
}

/** The keys of a mesh in its state folder; made once, never replaced by themselves. */
export class KeyRing implements Keys {
  readonly #dir: string;
  /** By file, with the seed that each was computed from: that takes longer than to read the file. */
  readonly #publicKeys = new Map<string, { readonly seed: string; readonly publicKey: string }>();

  constructor(stateDir: string) {
    this.#dir = join(stateDir, "keys");
  }

  /** The key of this name, for example `alpha/members/kitchen`. Throws `invalid-config` when its file is damaged. */
  key(name: string): Key {
    const seedFile = join(this.#dir, `${name}.nk`);
    if (!existsSync(seedFile)) {
      const fresh = nkeys.createUser();
      writeSecret(seedFile, `${new TextDecoder().decode(fresh.getSeed())}\n`);
    }
    const seed = readSeed(seedFile);
    const known = this.#publicKeys.get(seedFile);
    if (known?.seed === seed) return { publicKey: known.publicKey, seedFile };
    const publicKey = publicKeyOf(seed, seedFile);
    this.#publicKeys.set(seedFile, { seed, publicKey });
    return { publicKey, seedFile };
  }

  /** File of the key of this id that signs events of a subnet. Throws `invalid-config` when it is damaged. */
  signatureKeyFile(subnet: string, id: string): string {
    const file = join(this.#dir, signatureKeyPath(subnet, id));
    if (!existsSync(file)) newSignatureKey(file);
    readSignatureKey(file);
    return file;
  }

  /** Throws `invalid-config` when its file is damaged: a server with such a key does not start. */
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

  /** Stores the public half of another machine's key, in place of an earlier one. */
  admit(name: string, publicKey: string): void {
    writeWhole(join(this.#dir, `${name}${JOINED}`), `${publicKey}\n`);
  }

  /** Forgets the keys of joined machines, except under these names. */
  forgetJoined(kept: ReadonlySet<string>): void {
    if (!existsSync(this.#dir)) return;
    for (const file of readdirSync(this.#dir, { recursive: true, encoding: "utf8" })) {
      const name = file.slice(0, -JOINED.length);
      if (file.endsWith(JOINED) && !kept.has(name)) rmSync(join(this.#dir, file));
    }
  }

  /** Replaces a key. The server refuses the old key once it has loaded the new one. */
  rotate(name: string): void {
    const fresh = nkeys.createUser();
    writeSecret(join(this.#dir, `${name}.nk`), `${new TextDecoder().decode(fresh.getSeed())}\n`);
  }

  /** Deletes the keys of a removed node; for a hub, all keys of its subnet. */
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

  routesFile(of: string, routes: readonly string[]): string {
    const file = join(this.#dir, of, "routes.conf");
    const before = existsSync(file) ? readFileSync(file, "utf8") : "";
    const [, password = randomBytes(24).toString("base64url")] = ROUTE_PASSWORD.exec(before) ?? [];
    const urls = routes.map((route) => `  "nats-route://${of}:${password}@${route}"\n`).join("");
    const text = `authorization: { user: "${of}", password: "${password}", timeout: 3 }\nroutes: [\n${urls}]\n`;
    if (text !== before) writeSecret(file, text);
    return file;
  }
}

/** As {@link KeyRing} writes it. */
const ROUTE_PASSWORD = /^authorization: \{ user: "[a-z0-9-]+", password: "([\w-]{20,})"/;

/** Suffix of public keys whose seeds are on other machines. */
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

/** Path of a signature key below the folder of keys. */
export function signatureKeyPath(subnet: string, id: string): string {
  return join(subnet, "signatures", `${id}.key`);
}

/** Name of the key of a subnet's leaf connection. */
export function leafKeyName(subnet: string): string {
  return `${subnet}/leaf`;
}

/** Name of a member's key. */
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
