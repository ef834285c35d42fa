import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { MeshError } from "@adaos/core";
import { gathered } from "../file/gathered.ts";
import type { KeptFile } from "../file/manifest.ts";
import { type BackupWriter, MAX_HELD_BYTES } from "../file/write-backup.ts";
import { closeAll, contentOf, type HeldFile, openFolder } from "./open-folder.ts";
import { foldersFor, isOf, isPassing, restingName } from "./state-plan.ts";

/** Writes files into a backup, and remembers them for its table of contents. */
export class FileKeeper {
  readonly kept: KeptFile[] = [];
  readonly #writer: BackupWriter;
  readonly #stateDir: string;
  readonly #only: readonly string[] | undefined;

  constructor(writer: BackupWriter, stateDir: string, only: readonly string[] | undefined) {
    this.#writer = writer;
    this.#stateDir = stateDir;
    this.#only = only;
  }

  /** The folders of the state folder that are kept so. Rejects with `unavailable`. */
  async folders(as: Parameters<typeof foldersFor>[0]): Promise<void> {
    for (const folder of foldersFor(as)) {
      for (const dir of await foldersIn(join(this.#stateDir, folder)))
        await this.#folder(dir, as === "secret" ? "secret" : "state");
    }
  }

  /** Files within a folder. Rejects with `unavailable`. */
  async named(root: string, paths: readonly string[], of: KeptFile["of"]): Promise<void> {
    for (const path of paths) {
      const held = await openFolder(join(root, path, ".."), (name) => join(root, path).endsWith(sep + name));
      try {
        const [file] = held.filter(({ name }) => name === path.split("/").at(-1));
        if (file === undefined) throw new MeshError("unavailable", `${join(root, path)} is gone; try again`);
        await this.#file(file, path, of, join(root, path));
      } finally {
        await closeAll(held);
      }
    }
  }

  async #folder(dir: string, of: KeptFile["of"]): Promise<void> {
    const within = relative(this.#stateDir, dir).split(sep).join("/");
    const held = await openFolder(dir, (name) => {
      const path = `${within}/${name}`;
      return !isPassing(path) && isOf(path, this.#only);
    });
    try {
      for (const file of held)
        await this.#file(file, `${within}/${restingName(file.name)}`, of, join(dir, file.name));
    } finally {
      await closeAll(held);
    }
  }

  async #file(file: HeldFile, path: string, of: KeptFile["of"], where: string): Promise<void> {
    const { size, mode } = await file.handle.stat();
    try {
      const content = contentOf(file);
      const blob =
        size > MAX_HELD_BYTES
          ? await this.#writer.stream(content)
          : await this.#writer.blob(await gathered(content));
      this.kept.push({ of, path, runs: (mode & 0o100) !== 0, ...blob });
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", `${where} cannot be read`);
    }
  }
}

/** A folder and all folders in it. */
async function foldersIn(dir: string): Promise<string[]> {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) return [];
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const inner = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  return [dir, ...inner];
}
