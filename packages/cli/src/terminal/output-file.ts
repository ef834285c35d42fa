import { existsSync, rmSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { MeshError } from "@adaos/core";
import type { Terminal } from "./terminal.ts";

/** Takes lines, one after the other, and passes them to their reader at the end or at once. */
export interface LineOutput {
  line(text: string): Promise<void>;
  /** All lines are there. */
  done(): Promise<void>;
  /** Discards the written lines after an error. Safe to call after `done`. */
  discard(): Promise<void>;
}

const CHUNK_CHARS = 65_536;

/**
 * Standard output for `-`, else a file that appears with all its lines or not at all; for its owner only by default.
 */
export async function openOutput(
  file: string,
  force: boolean,
  terminal: Terminal,
  mode = 0o600,
): Promise<LineOutput> {
  if (file !== "-") return OutputFile.open(file, force, mode);
  const nothing = (): Promise<void> => Promise.resolve();
  return { line: async (text) => terminal.out(text), done: nothing, discard: nothing };
}

/** Written beside its place and moved there at the end. */
class OutputFile implements LineOutput {
  readonly #file: string;
  readonly #force: boolean;
  readonly #handle: FileHandle;
  #chunk: string[] = [];
  #chars = 0;
  #open = true;

  private constructor(file: string, force: boolean, handle: FileHandle) {
    this.#file = file;
    this.#force = force;
    this.#handle = handle;
  }

  /** Rejects with `usage`. */
  static async open(file: string, force: boolean, mode: number): Promise<OutputFile> {
    assertFree(file, force);
    try {
      // Left by a killed process: its mode may differ.
      rmSync(`${file}.new`, { force: true });
      return new OutputFile(file, force, await open(`${file}.new`, "wx", mode));
    } catch (cause) {
      throw MeshError.from(cause, "usage", `${file} cannot be written`);
    }
  }

  async line(text: string): Promise<void> {
    this.#chunk.push(text, "\n");
    this.#chars += text.length;
    if (this.#chars >= CHUNK_CHARS) await this.#flush();
  }

  async done(): Promise<void> {
    await this.#flush();
    await this.#handle.sync();
    await this.#close();
    assertFree(this.#file, this.#force);
    try {
      await rename(`${this.#file}.new`, this.#file);
    } catch (cause) {
      throw MeshError.from(cause, "usage", `${this.#file} cannot be written`);
    }
  }

  async discard(): Promise<void> {
    await this.#close();
    rmSync(`${this.#file}.new`, { force: true });
  }

  async #flush(): Promise<void> {
    const text = this.#chunk.join("");
    this.#chunk = [];
    this.#chars = 0;
    try {
      await this.#handle.writeFile(text);
    } catch (cause) {
      throw MeshError.from(cause, "usage", `${this.#file} cannot be written`);
    }
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }
}

function assertFree(file: string, force: boolean): void {
  if (force || !existsSync(file)) return;
  throw new MeshError("usage", `${file} exists; overwrite it with --force`);
}
