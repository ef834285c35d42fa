import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import type { Duplex, Readable, Writable } from "node:stream";
import { messageOf } from "@adaos/core/wire";
import { LineSplitter } from "../protocol/line-splitter.ts";
import { type FromSkill, MAX_LINE_BYTES, PING_MS, type ToSkill } from "../protocol/messages.ts";
import { whyToKill } from "./judge-process.ts";
import type { Launch } from "./launch.ts";
import { MAX_OUTPUT_LINE_BYTES } from "./output-limit.ts";
import { readMessage } from "./read-message.ts";
import { ReadPace } from "./read-pace.ts";

export interface ProcessHooks {
  onMessage(message: FromSkill): void;
  /** A line of what it prints. */
  onOutput(from: "stdout" | "stderr", line: string): void;
  /** Called once, when it has ended, or could not begin. */
  onEnd(why: string): void;
}

/** Longest time for `stop`; the process is killed after it. */
const STOP_MS = 2000;
/** Time for the last output of a process that has ended. */
const LAST_OUTPUT_MS = 500;
const PAGE_BYTES = 4096;
/** Last lines on standard error, which most often say why a process has ended. */
const LAST_LINES = 20;

/** One process of a skill, from its start to its end. */
export class SkillProcess {
  readonly #hooks: ProcessHooks;
  readonly #memoryMb: number;
  readonly #child: ChildProcess;
  readonly #input: Writable | undefined;
  readonly #ended: Promise<void>;
  readonly #lastLines: string[] = [];
  #onEnded = (): void => undefined;
  #hasEnded = false;
  #why: string | undefined;
  #ping = 0;
  #pong = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastOutput: NodeJS.Timeout | undefined;
  #memoryBytes: number | undefined;
  /** Deliveries whose time is up, and whose handlers still run. */
  readonly abandoned: Set<number> = new Set();

  constructor(launch: Launch, memoryMb: number, hooks: ProcessHooks) {
    this.#hooks = hooks;
    this.#memoryMb = memoryMb;
    this.#ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    const isStandard = launch.protocolOn === "standard";
    this.#child = spawn(launch.file, [...launch.args], {
      cwd: launch.cwd,
      env: { ...launch.env },
      // A group of its own: what the skill starts ends with it.
      detached: true,
      stdio: isStandard ? ["pipe", "pipe", "pipe"] : ["ignore", "pipe", "pipe", "pipe"],
    });
    // A system that has no descriptor left starts no process, which is told later, and makes no streams.
    const pipes: ChildProcess["stdio"] | undefined = this.#child.stdio;
    const channel = isStandard ? undefined : (pipes?.[3] as Duplex | null | undefined);
    this.#input = (isStandard ? this.#child.stdin : channel) ?? undefined;
    this.#readProtocol((isStandard ? this.#child.stdout : channel) ?? undefined);
    if (!isStandard) this.#readOutput("stdout", this.#child.stdout);
    this.#readOutput("stderr", this.#child.stderr);
    this.#input?.on("error", () => undefined);
    offerToTheSystem(this.#child.pid);
    this.#child.once("exit", (code, signal) => this.#exited(code, signal));
    this.#child.once("error", (err) => this.#end(`its process cannot be started: ${messageOf(err)}`));
    this.#child.once("close", (code, signal) => this.#end(this.#whyEnded(code, signal)));
    this.#timer = setInterval(() => void this.#look(), PING_MS);
    this.#timer.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** As of the last look; undefined before it, or where the system does not tell. */
  get memoryBytes(): number | undefined {
    return this.#memoryBytes;
  }

  /** The last lines that it wrote to standard error. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Resolves when the process has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  send(message: ToSkill): void {
    if (!this.#hasEnded) this.#input?.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends it at once; `why` is told. */
  kill(why: string): void {
    this.#why ??= why;
    endGroup(this.#child.pid);
  }

  /** Asks it to end, then ends it. */
  async stop(why: string): Promise<void> {
    this.#why ??= why;
    this.send({ type: "stop" });
    this.#input?.end();
    const limit = setTimeout(() => endGroup(this.#child.pid), STOP_MS);
    await this.#ended;
    clearTimeout(limit);
  }

  #readProtocol(from: Readable | undefined): void {
    let messages = 0;
    const lines = new LineSplitter(
      MAX_LINE_BYTES,
      (line) => {
        messages++;
        const message = readMessage(line);
        if (typeof message === "string") return this.kill(`it wrote ${message}`);
        if (message.type === "pong") {
          this.#pong = Math.max(this.#pong, Math.min(message.id, this.#ping));
          return;
        }
        this.#hooks.onMessage(message);
      },
      () => this.kill(`it wrote a line of more than ${MAX_LINE_BYTES} bytes to the daemon`),
    );
    this.#read(from, lines, () => messages);
  }

  /** Reads no faster than {@link ReadPace} allows. */
  #read(from: Readable | undefined, lines: LineSplitter, countOf: () => number): void {
    const pace = new ReadPace();
    let counted = 0;
    from?.on("data", (chunk: Buffer) => {
      lines.push(chunk);
      const count = countOf();
      const waitMs = pace.take(chunk.length, count - counted, performance.now());
      counted = count;
      if (waitMs === 0) return;
      from.pause();
      setTimeout(() => from.resume(), waitMs);
    });
    from?.on("end", () => lines.flush());
    // A pipe breaks when the process ends, which is told by itself.
    from?.on("error", () => undefined);
  }

  #readOutput(name: "stdout" | "stderr", from: Readable | null): void {
    let count = 0;
    const take = (line: string): void => {
      count++;
      if (name === "stderr") this.#remember(line);
      this.#hooks.onOutput(name, line);
    };
    const lines = new LineSplitter(MAX_OUTPUT_LINE_BYTES, take, (beginning) => take(`${beginning}…`));
    this.#read(from ?? undefined, lines, () => count);
  }

  #remember(line: string): void {
    if (line.trim() === "") return;
    this.#lastLines.push(line);
    if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
  }

  /** Asks whether it still answers, and looks at its memory. */
  async #look(): Promise<void> {
    this.send({ type: "ping", id: ++this.#ping });
    this.#memoryBytes = await residentBytes(this.#child.pid);
    const look = {
      unanswered: this.#ping - this.#pong,
      rssBytes: this.#memoryBytes,
      unreadBytes: this.#input?.writableLength ?? 0,
      abandoned: this.abandoned.size,
    };
    const why = this.#hasEnded ? undefined : whyToKill(look, this.#memoryMb);
    if (why !== undefined) this.kill(why);
  }

  /** What it started may hold its pipes: they are read for a moment, then closed. */
  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    endGroup(this.#child.pid);
    if (this.#hasEnded) return;
    this.#lastOutput = setTimeout(() => {
      this.#end(this.#whyEnded(code, signal));
      for (const stream of this.#child.stdio) stream?.destroy();
    }, LAST_OUTPUT_MS);
  }

  #whyEnded(code: number | null, signal: NodeJS.Signals | null): string {
    const lines = this.#lastLines;
    if (lines.some((line) => line.includes("heap out of memory")))
      return `its process needs more memory than its limit of ${this.#memoryMb} MiB; let it hold less, or set memory_mb in skill.yaml`;
    const how = signal === null ? `with exit code ${code ?? "?"}` : `by ${signal}`;
    const error = lines.find((line) => /^\s*(\w*Error\b|Uncaught\b)/.test(line)) ?? lines.at(-1);
    const at = placeIn(lines);
    const told = [at, error?.trim()].filter((text) => text !== undefined).join(" ");
    return `its process ended ${how}${told === "" ? "" : `: ${told.slice(0, 500)}`}`;
  }

  #end(why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#timer);
    clearTimeout(this.#lastOutput);
    this.#hooks.onEnd(this.#why ?? why);
    this.#onEnded();
  }
}

/** The first place of a stack that is in a file and not in Node or in the host: `index.mjs:3`. Pure. */
export function placeIn(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const [, path, at] = /(?:file:\/\/|\(|\s|^)(\/[^\s():]+):(\d+)/.exec(line) ?? [];
    if (path !== undefined && !path.includes("node:") && !/skill-host\.(js|ts)$/.test(path))
      return `${path}:${at ?? ""}`;
  }
  return undefined;
}

async function residentBytes(pid: number | undefined): Promise<number | undefined> {
  if (pid === undefined || process.platform !== "linux") return undefined;
  try {
    const [, pages] = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ");
    return Number(pages) * PAGE_BYTES;
  } catch {
    // It has just ended.
    return undefined;
  }
}

/**
 * Ends the group of a process, what it has started too. A group that has ended already is no fault, nor is one that
 * belongs to another user by now, as after `sudo`: this process cannot end it.
 */
export function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch (thrown) {
    if (!["ESRCH", "EPERM"].includes((thrown as NodeJS.ErrnoException).code ?? "")) throw thrown;
  }
}

/** A machine without memory ends the skill first, and no daemon. Without that, looks at its memory are the limit. */
function offerToTheSystem(pid: number | undefined): void {
  if (pid === undefined || process.platform !== "linux") return;
  writeFile(`/proc/${pid}/oom_score_adj`, "1000").catch(() => undefined);
}
