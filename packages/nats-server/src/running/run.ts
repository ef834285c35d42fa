import { type ExecFileException, execFile } from "node:child_process";
import { MeshError } from "@adaos/core";
import { delay, messageOf } from "@adaos/core/wire";

const MAX_OUTPUT_BYTES = 1024 * 1024;
const BUSY_ATTEMPTS = 5;
const BUSY_WAIT_MS = 50;

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface RunOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command without a shell and without input; keeps at most 1 MiB of output. Rejects with MeshError
 * `unavailable` and one line that says why: not found, not executable, failed or too slow. Rejects with the signal's
 * reason when that ended it.
 */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<RunOutput> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(file, args, options);
    } catch (thrown) {
      options.signal?.throwIfAborted();
      // A child that another part of this process is starting can keep a just written file open for a moment. The
      // kernel then refuses to run it.
      if (codeOf(thrown) === "ETXTBSY" && attempt < BUSY_ATTEMPTS) {
        await delay(BUSY_WAIT_MS);
        continue;
      }
      throw new MeshError("unavailable", reasonOf(thrown, options), { cause: thrown });
    }
  }
}

class RunFailure extends Error {
  override readonly cause: ExecFileException;
  readonly stderr: string;
  constructor(cause: ExecFileException, stderr: string) {
    super(cause.message);
    this.cause = cause;
    this.stderr = stderr;
  }
}

async function runOnce(file: string, args: readonly string[], options: RunOptions): Promise<RunOutput> {
  return await new Promise((resolve, reject) => {
    const child = started((rights) =>
      execFile(
        file,
        [...args],
        {
          ...rights,
          encoding: "utf8",
          killSignal: "SIGKILL",
          maxBuffer: MAX_OUTPUT_BYTES,
          timeout: options.timeoutMs,
          env: { ...(options.env ?? process.env), LC_ALL: "C" },
          ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        },
        (error, stdout, stderr) => {
          if (error === null) resolve({ stdout, stderr });
          else reject(new RunFailure(error, stderr));
        },
      ),
    );
    child.stdin?.end();
  });
}

/**
 * Starts a program with no more rights than this process uses now. Root acts for another user by its effective rights
 * alone; a program that inherited the real ones, such as one from that user's folder, could become root again.
 */
function started<T>(start: (rights: { readonly uid?: number; readonly gid?: number }) => T): T {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  if (uid === undefined || gid === undefined || uid === 0 || process.getuid?.() !== 0) return start({});
  process.seteuid?.(0);
  try {
    return start({ uid, gid });
  } finally {
    process.seteuid?.(uid);
  }
}

const SPAWN_REASONS: Readonly<Record<string, string>> = {
  ENOENT: "not found",
  EACCES: "not executable",
  EPERM: "not executable",
  ERR_CHILD_PROCESS_STDIO_MAXBUFFER: "printed far too much",
};

function reasonOf(thrown: unknown, options: RunOptions): string {
  const code = codeOf(thrown);
  const known = code === undefined ? undefined : SPAWN_REASONS[code];
  if (known !== undefined) return known;
  if (!(thrown instanceof RunFailure)) return `failed: ${messageOf(thrown)}`;
  const { cause, stderr } = thrown;
  if (cause.killed === true) return `did not end within ${options.timeoutMs / 1000} s`;
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => line.startsWith("E: "));
  // apt's first error is the cause; the later ones only say that there was one.
  const said = (errors[0] ?? lines.slice(0, 2).join(" ")).slice(0, 300);
  return said === "" ? `failed with ${cause.signal ?? `exit code ${cause.code}`}` : `failed: ${said}`;
}

function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof RunFailure)) return undefined;
  const { code } = thrown.cause;
  return typeof code === "string" ? code : undefined;
}
