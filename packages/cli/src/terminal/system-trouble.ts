import { MeshError } from "@adaos/core";

/** What a person can do something about, by the system's code: what is wrong, and what to do. */
const TROUBLES: Readonly<Record<string, readonly [wrong: string, remedy: string]>> = {
  EACCES: ["this user may not read or write it", "run this as its owner, or change its owner or mode"],
  EPERM: ["this user may not do that to it", "run this as its owner, or change its owner"],
  EROFS: ["it is on a read-only file system", "name a folder on another one"],
  ENOSPC: ["its disk is full", "make room there and try again"],
  EDQUOT: ["this user's share of its disk is used up", "make room there and try again"],
  EIO: ["its disk cannot read or write there", "look at the system's log, and replace the disk"],
  EMFILE: ["this process has too many open files", "raise the limit: ulimit -n"],
  ENFILE: ["this machine has too many open files", "raise the limit: sysctl fs.file-max"],
  ENOTDIR: ["a part of its path is a file", "name another path, or move that file away"],
  EISDIR: ["it is a folder, where a file should be", "name another path, or move that folder away"],
  ELOOP: ["its links lead in a circle", "name another path, or remove the link"],
  ENAMETOOLONG: ["its name is too long for the system", "name a shorter path"],
  EADDRINUSE: ["another program listens there", "end it, or name another port"],
  EADDRNOTAVAIL: ["this machine does not have that address", "name another one"],
};

/** Whatever place a command line names, the machine itself is in the way. */
const OF_MACHINE: ReadonlySet<string> = new Set(["EROFS", "ENOSPC", "EDQUOT", "EMFILE", "ENFILE"]);

/** The end that `writeWhole()`, or a lock, gives to a name. */
const STAGED = /\.(?:[0-9a-f]{12}|\d+\.[\w-]{22})\.new$/;

/** Only of a folder that was to be made are these no bugs: its parents were made before. */
function troubleOf(code: string, syscall: string | undefined): readonly [string, string] | undefined {
  if (syscall === "mkdir" && code === "ENOENT") return ["no folder can be made there", "name another path"];
  if (syscall === "mkdir" && code === "EEXIST") return TROUBLES["ENOTDIR"];
  if (syscall === "listen" && code === "EACCES")
    return ["this user may not listen there", "name a port above 1023, or run this as a user who may"];
  return Object.hasOwn(TROUBLES, code) ? TROUBLES[code] : undefined;
}

/**
 * An error of ours that ends with the system's own words, with ours in their place. What was begun is told by the text
 * before. A full disk is nobody's wrong command line.
 */
function wrappedTrouble(error: MeshError): MeshError | undefined {
  const { code, message, cause } = error;
  if (!(cause instanceof Error) || cause instanceof MeshError || !message.endsWith(`: ${cause.message}`))
    return undefined;
  const trouble = systemTrouble(cause);
  if (trouble === undefined) return undefined;
  const begun = message.slice(0, -cause.message.length);
  const isNobodys = code === "usage" && OF_MACHINE.has((cause as NodeJS.ErrnoException).code ?? "");
  return new MeshError(
    isNobodys || code === "internal" ? "unavailable" : code,
    `${begun}${trouble.message}`,
    { cause },
  );
}

/**
 * The error of a system call that failed for a reason outside of this program, with its place and a remedy.
 * Undefined for any other error. Pure.
 */
export function systemTrouble(thrown: unknown): MeshError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (thrown instanceof MeshError) return wrappedTrouble(thrown);
  const {
    code = "",
    syscall,
    path,
    dest,
    address,
    port,
  } = thrown as NodeJS.ErrnoException & {
    readonly dest?: string;
    readonly address?: string;
    readonly port?: number;
  };
  const trouble = troubleOf(code, syscall);
  if (trouble === undefined) return undefined;
  const [wrong, remedy] = trouble;
  const listens = port === undefined ? address : `${address ?? ""}:${port}`;
  // A write to an open file names none. Files are written beside their place first.
  const place = dest ?? path?.replace(STAGED, "") ?? listens ?? `a file (${thrown.message})`;
  return new MeshError("unavailable", `${place}: ${wrong}; ${remedy}`, { cause: thrown });
}
