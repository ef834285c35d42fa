import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { FORMATS, inFormat, withFormat } from "@adaos/core/wire";
import { KeyRing } from "../keys/keys.ts";
import { remoteKeyNameOf } from "../remote.ts";

/** A machine that has joined, and may ask for its files again. The root stores it. */
export interface Machine {
  /** From its public key. */
  readonly id: string;
  /** Public nkey with which it asks. */
  readonly key: string;
  /** Encrypts the answers to it; base64. Nobody else has it. */
  readonly sealKey: string;
  readonly subnet: string;
  /** Undefined: it runs the subnet's hub. */
  readonly member?: string;
  /** RFC 3339. */
  readonly joinedAt: string;
}

const NAME = /^[a-z2-7]{8}\.json$/;

/** Id of the machine, or of the invitation, with this public nkey. Pure. */
export function idOfKey(publicKey: string): string {
  return publicKey.slice(1, 9).toLowerCase();
}

/** The machines that have joined the mesh of a state folder, one file for each. */
export class Machines {
  readonly #dir: string;
  /** The last list, and the time of the folder then: the root looks four times a second. */
  #listed: { readonly atMs: number; readonly machines: readonly Machine[] } | undefined;

  constructor(stateDir: string) {
    this.#dir = join(stateDir, "machines");
  }

  /** Throws `invalid-config` for a damaged file. */
  list(): readonly Machine[] {
    const atMs = statSync(this.#dir, { throwIfNoEntry: false })?.mtimeMs;
    if (atMs === undefined) return [];
    // A file that is written in the same moment may not change the folder's time.
    if (this.#listed?.atMs === atMs && Date.now() - atMs > 1000) return this.#listed.machines;
    const names = readdirSync(this.#dir).filter((name) => NAME.test(name));
    const machines = names.map((name) => readMachine(join(this.#dir, name)));
    this.#listed = { atMs, machines };
    return machines;
  }

  find(id: string): Machine | undefined {
    return this.list().find((machine) => machine.id === id);
  }

  /** Public keys of all machines, by id. */
  open(): ReadonlyMap<string, string> {
    return new Map(this.list().map(({ id, key }) => [id, key]));
  }

  /** Stores a machine in place of an earlier one of the same node, which may no longer ask. */
  admit(machine: Machine): void {
    const { subnet, member } = machine;
    writeWhole(this.#file(machine.id), `${JSON.stringify(withFormat(FORMATS.machine, machine))}\n`);
    this.#listed = undefined;
    for (const one of this.list())
      if (one.id !== machine.id && one.subnet === subnet && one.member === member) this.remove(one);
  }

  remove({ id }: Pick<Machine, "id">): void {
    rmSync(this.#file(id), { force: true });
    this.#listed = undefined;
  }

  /** Forgets machines, except those that have joined with keys of these names. */
  forget(keptKeys: ReadonlySet<string>): void {
    for (const machine of this.list()) if (!keptKeys.has(remoteKeyNameOf(machine))) this.remove(machine);
  }

  #file(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

/**
 * Forgets what others have joined with, except under these names of keys: the mesh file no longer places their nodes on
 * other machines. The root's server refuses them from then on. Throws as {@link Machines.list} does.
 */
export function forgetJoined(stateDir: string, keptKeys: ReadonlySet<string>): void {
  new KeyRing(stateDir).forgetJoined(keptKeys);
  new Machines(stateDir).forget(keptKeys);
}

function readMachine(file: string): Machine {
  let content: object;
  try {
    content = JSON.parse(readFileSync(file, "utf8")) as object;
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${file} is damaged; remove it, and join again`);
  }
  return inFormat(FORMATS.machine, content, file) as unknown as Machine;
}
