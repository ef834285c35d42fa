import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join, parse, resolve, sep } from "node:path";
import { MeshError } from "@adaos/core";

/** The owner and permissions of a file or folder. */
type Owned = Pick<Stats, "uid" | "mode">;

/** The user, and a look-up of a path's own facts, a link's too; undefined where nothing exists. */
export interface OwnershipView {
  /** Undefined where there are no owners: Windows. */
  readonly uid: number | undefined;
  readonly look: (path: string) => (Owned & { readonly link?: string }) | undefined;
}

const MAX_LINKS = 40;
const WRITABLE_BY_OTHERS = 0o022;
const WRITABLE_BY_ALL = 0o002;
/** In such a folder users may rename and remove only their own files. */
const STICKY = 0o1000;

/**
 * Throws `invalid-config` with a remedy when a folder that we are about to trust belongs to another user, when
 * others may write to it, or when another user controls its path. A missing folder passes.
 * @param what Names it in the message: `the state folder`.
 */
export function assertOwnFolder(dir: string, what: string, view: OwnershipView = SYSTEM): void {
  const problem = ownershipProblem(resolve(dir), view);
  if (problem !== undefined) throw new MeshError("invalid-config", `${what} ${dir} is not safe: ${problem}`);
}

/** The reason why a file or folder, or its path, is not safe to trust; undefined when it is. */
export function ownershipProblem(path: string, view: OwnershipView = SYSTEM): string | undefined {
  const { uid, look } = view;
  if (uid === undefined) return undefined;
  const isOurs = (owner: number): boolean => owner === uid || owner === 0;
  let links = 0;
  let way = parse(path).root;
  const steps = stepsOf(path);
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    way = step === ".." ? dirname(way) : join(way, step);
    const found = look(way);
    if (found === undefined) return undefined;
    if (found.link !== undefined) {
      if (!isOurs(found.uid)) return `user ${found.uid} has made the link ${way}; name the folder itself`;
      if (++links > MAX_LINKS) return `${way} is a link that leads back to itself`;
      if (isAbsolute(found.link)) way = parse(found.link).root;
      else way = dirname(way);
      steps.unshift(...stepsOf(found.link));
    } else if (steps.length > 0 && (found.mode & WRITABLE_BY_ALL) !== 0 && (found.mode & STICKY) === 0)
      return `everybody may write to ${way}; run: chmod o-w ${way}`;
    else if (steps.length === 0) return problemOf(way, found, isOurs);
  }
  return undefined;
}

function problemOf(
  path: string,
  { uid, mode }: Owned,
  isOurs: (owner: number) => boolean,
): string | undefined {
  if (!isOurs(uid))
    return `it belongs to user ${uid}; run this as that user, or run: chown -R "$(id -u)" ${path}`;
  if ((mode & WRITABLE_BY_OTHERS) !== 0) return `others may write to it; run: chmod -R go-w ${path}`;
  return undefined;
}

function stepsOf(path: string): string[] {
  return path.split(sep).filter((step) => step !== "" && step !== ".");
}

const SYSTEM: OwnershipView = {
  // Root acts with the rights of others for a while.
  get uid() {
    return process.geteuid?.();
  },
  look: (path) => {
    try {
      const stats = lstatSync(path);
      const { uid, mode } = stats;
      return stats.isSymbolicLink() ? { uid, mode, link: readlinkSync(path) } : { uid, mode };
    } catch {
      // An unreachable path cannot be used either: the attempt reports why.
      return undefined;
    }
  },
};
