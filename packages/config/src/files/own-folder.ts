import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join, parse, resolve, sep } from "node:path";
import { MeshError } from "@adaos/core";

/** What of a file or folder says whom it obeys. */
type Owned = Pick<Stats, "uid" | "mode">;

/** Who asks, and how a path's own facts are found, a link's too; nothing where nothing is. */
export interface OwnershipView {
  /** Nothing where there are no owners: Windows. */
  readonly uid: number | undefined;
  readonly look: (path: string) => (Owned & { readonly link?: string }) | undefined;
}

const MAX_LINKS = 40;
const WRITABLE_BY_OTHERS = 0o022;
const WRITABLE_BY_ALL = 0o002;
/** In such a folder each may rename and remove only what is his. */
const STICKY = 0o1000;

/**
 * Throws `invalid-config`, saying what to do, when a folder that we are about to trust is another user's, when others
 * may write to it, or when somebody else leads the way to it. A folder that is not there yet is taken.
 * @param what Names it in the message: `the state folder`.
 */
export function assertOwnFolder(dir: string, what: string, view: OwnershipView = SYSTEM): void {
  const problem = ownershipProblem(resolve(dir), view);
  if (problem !== undefined) throw new MeshError("invalid-config", `${what} ${dir} is not safe: ${problem}`);
}

/** Why a file or folder, and what leads to it, is not safe to trust; nothing when it is. */
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
      if (++links > MAX_LINKS) return `${way} is a link in a circle`;
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
  uid: process.getuid?.(),
  look: (path) => {
    try {
      const stats = lstatSync(path);
      const { uid, mode } = stats;
      return stats.isSymbolicLink() ? { uid, mode, link: readlinkSync(path) } : { uid, mode };
    } catch {
      // What cannot be reached cannot be used either: whoever tries is told why.
      return undefined;
    }
  },
};
