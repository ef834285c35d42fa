import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shownPath } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { quote } from "@adaos/core/wire";

/** A skill is small: what it needs besides comes from the machine. */
export const MAX_FILES = 1000;
export const MAX_BYTES: number = 16 * 1024 * 1024;
const MAX_PATH = 200;
const MAX_DEPTH = 10;

/** The files of a skill by their paths, with `/` between folders. */
export type SkillContent = ReadonlyMap<string, Uint8Array>;

/** Why a path may not be in a skill; undefined when it may. Pure. */
export function pathProblem(path: string): string | undefined {
  if (path === "" || path.length > MAX_PATH) return `must have 1 to ${MAX_PATH} characters`;
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "is absolute";
  if ([...path].some((char) => char < " " || char === "\\" || char === "\u007f"))
    return "has a character that no path of a skill has";
  const parts = path.split("/");
  if (parts.includes("..")) return "leaves the folder";
  if (parts.some((part) => part === "" || part === ".")) return "has an empty part";
  if (parts.length > MAX_DEPTH) return `is deeper than ${MAX_DEPTH} folders`;
  return undefined;
}

/** `a`, `a/b` for `a/b/c`. */
function foldersOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

/** Collects files and refuses what may not be in a skill. */
export class ContentBuilder {
  readonly #from: string;
  readonly #files = new Map<string, Uint8Array>();
  #bytes = 0;
  #folders = 0;

  /** @param from Names the source in messages. */
  constructor(from: string) {
    this.#from = from;
  }

  /** Throws `usage` for a path, a count or a size that is not allowed. */
  add(path: string, bytes: Uint8Array): void {
    this.assertPath(path);
    if (this.#files.has(path)) throw this.refusal(path, "is there twice");
    this.assertRoom(path, bytes.length);
    this.#files.set(path, bytes);
    this.#bytes += bytes.length;
  }

  /** Folders are not kept, but each costs a look. */
  addFolder(path: string): void {
    this.assertPath(path);
    if (++this.#folders > MAX_FILES) throw this.refusal(path, `is one more than ${MAX_FILES} folders`);
  }

  assertPath(path: string): void {
    const problem = pathProblem(path);
    if (problem !== undefined) throw this.refusal(path, problem);
  }

  /** Before a file is read: whether there is room for it. */
  assertRoom(path: string, bytes: number): void {
    if (this.#files.size >= MAX_FILES) throw this.refusal(path, `is one more than ${MAX_FILES} files`);
    if (this.#bytes + bytes > MAX_BYTES) throw this.refusal(path, `makes it larger than ${MAX_BYTES} bytes`);
  }

  refusal(path: string, problem: string): MeshError {
    return new MeshError("usage", `${this.#from} is no skill to install: ${quote(path)} ${problem}`);
  }

  done(): SkillContent {
    for (const path of this.#files.keys()) {
      const file = foldersOf(path).find((folder) => this.#files.has(folder));
      if (file !== undefined) throw this.refusal(file, "is a file and a folder");
    }
    return new Map([...this.#files].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Reads the files of a folder. Throws `usage` where there is a link, a device, or too much. */
export function readFolder(folder: string): SkillContent {
  const builder = new ContentBuilder(shownPath(folder));
  const read = (dir: string, below: string): void => {
    for (const name of readdirSync(dir).sort()) {
      const path = `${below}${name}`;
      const file = join(dir, name);
      const facts = lstatSync(file);
      if (name === ".git" || name === "__pycache__") continue;
      if (facts.isDirectory()) {
        builder.addFolder(path);
        read(file, `${path}/`);
      } else if (facts.isFile()) {
        builder.assertRoom(path, facts.size);
        builder.add(path, readFileSync(file));
      } else throw builder.refusal(path, facts.isSymbolicLink() ? "is a link" : "is no plain file");
    }
  };
  read(folder, "");
  return builder.done();
}

/** `sha256:…` of the files, by paths and bytes: the same for a folder and for a tarball of it. Pure. */
export function contentDigest(content: SkillContent): string {
  const digest = createHash("sha256");
  for (const [path, bytes] of content) {
    const own = createHash("sha256").update(bytes).digest("hex");
    digest.update(`${path}\0${bytes.length}\0${own}\n`);
  }
  return `sha256:${digest.digest("hex")}`;
}
