import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeNew } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { TEMPLATE_FOLDER } from "../program-file.ts";

/** npm leaves a `.gitignore` out of a package, so the template's has another name. */
const TARGETS: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

/** A folder of programs may already have these, with other lines. */
const KEPT: ReadonlySet<string> = new Set([".gitignore", "package.json", "tsconfig.json"]);

/** The maximum of files in the way that are named. */
const MAX_NAMED = 3;

/** All that a new mesh needs and its folder lacks. */
export interface InitPlan {
  readonly dir: string;
  /** Text of each new file by its path below `dir`. */
  readonly created: ReadonlyMap<string, string>;
  /** Files that are there and stay as they are. */
  readonly kept: readonly string[];
}

/** Plans a new mesh in a folder and writes nothing. Throws `usage`, naming the files that are in the way. */
export function planInit(dir: string, template: string = TEMPLATE_FOLDER): InitPlan {
  const created = new Map<string, string>();
  const kept: string[] = [];
  const inTheWay: string[] = [];
  for (const path of filesBelow(template)) {
    const target = TARGETS[path] ?? path;
    if (!isThere(join(dir, target))) created.set(target, readFileSync(join(template, path), "utf8"));
    else if (KEPT.has(target)) kept.push(target);
    else inTheWay.push(join(dir, target));
  }
  if (inTheWay.length === 0) return { dir, created, kept };
  const are = inTheWay.length === 1 ? "is" : "are";
  const more = inTheWay.length > MAX_NAMED ? ` and ${inTheWay.length - MAX_NAMED} more` : "";
  throw new MeshError(
    "usage",
    `${inTheWay.slice(0, MAX_NAMED).join(", ")}${more} ${are} there already, and init overwrites nothing; name another folder`,
  );
}

/** Writes the planned files, all or none. Rejects with `usage`. */
export function applyInit({ dir, created }: InitPlan): void {
  const written: string[] = [];
  try {
    for (const [path, text] of created) {
      const file = join(dir, path);
      mkdirSync(dirname(file), { recursive: true });
      writeNew(file, text);
      written.push(file);
    }
  } catch (cause) {
    for (const file of written) rmSync(file, { force: true });
    throw MeshError.from(cause, "usage", `no mesh was begun in ${dir}`);
  }
}

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) throw new MeshError("internal", `the package lacks its folder ${dir}`);
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
}

/** A dangling link is in the way too. Throws `usage` when a file is in the place of a folder. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    throw MeshError.from(cause, "usage", "no mesh can begin here, name another folder");
  }
}
