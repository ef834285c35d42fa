import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { FORMATS, inFormat, withFormat } from "@adaos/core/wire";

/** An open invitation to join, as the root stores it. Its code cannot be derived from it. */
export interface Invitation {
  readonly id: string;
  /** Public nkey of its holder. */
  readonly key: string;
  /** Encrypts the answers to its holder; base64. */
  readonly sealKey: string;
  readonly subnet: string;
  /** Undefined: the subnet's hub is invited. */
  readonly member?: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** Digest of the admitted keys: only they may ask again. */
  readonly claimedBy?: string;
}

const MAX_OPEN = 16;
const NAME = /^[a-z2-7]{8}$/;

/**
 * The invitations in a state folder, one file for each. An expired invitation is ignored, and removed when it is read.
 */
export class Invitations {
  readonly #dir: string;

  constructor(stateDir: string) {
    this.#dir = join(stateDir, "invitations");
  }

  /** Throws `invalid-config` for a damaged file. */
  list(): Invitation[] {
    return this.#names().flatMap((id) => this.find(id) ?? []);
  }

  find(id: string): Invitation | undefined {
    if (!NAME.test(id)) return undefined;
    let text: string;
    try {
      text = readFileSync(this.#file(id), "utf8");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw thrown;
    }
    const invitation = parse(text, this.#file(id));
    if (Date.parse(invitation.expiresAt) > Date.now()) return invitation;
    this.remove(id);
    return undefined;
  }

  /** Public keys of the open invitations, by id. */
  open(): ReadonlyMap<string, string> {
    return new Map(this.list().map(({ id, key }) => [id, key]));
  }

  /** Throws `backpressure` when too many are open. */
  add(invitation: Invitation): void {
    if (this.list().length >= MAX_OPEN) {
      throw new MeshError(
        "backpressure",
        `${MAX_OPEN} invitations are open; revoke one, or wait until one expires`,
      );
    }
    this.write(invitation);
  }

  write(invitation: Invitation): void {
    writeWhole(this.#file(invitation.id), `${JSON.stringify(withFormat(FORMATS.invitation, invitation))}\n`);
  }

  /** Returns whether it existed. */
  remove(id: string): boolean {
    if (!this.#names().includes(id)) return false;
    rmSync(this.#file(id), { force: true });
    return true;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#dir)
        .map((file) => file.replace(/\.json$/, ""))
        .filter((name) => NAME.test(name));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw thrown;
    }
  }

  #file(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

function parse(text: string, file: string): Invitation {
  try {
    return inFormat(FORMATS.invitation, JSON.parse(text) as object, file) as unknown as Invitation;
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${file} is spoilt; remove it`);
  }
}
