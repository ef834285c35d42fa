import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Duplex, Readable, Writable } from "node:stream";
import { messageOf } from "@adaos/core/wire";
import { LineSplitter } from "../protocol/line-splitter.ts";
import { type FromSkill, MAX_LINE_BYTES, PING_MS, type ToSkill } from "../protocol/messages.ts";
import { whyToKill } from "./judge-process.ts";
import type { Launch } from "./launch.ts";
import { MAX_OUTPUT_LINE_BYTES } from "./output-limit.ts";
import { readMessage } from "./read-message.ts";

export interface ProcessHooks {
  onMessage(message: FromSkill): void;
  /** A line of what it prints. */
  onOutput(from: "stdout" | "stderr", line: string): void;
  /** Called once, when it has ended, or could not begin. */
  onEnd(why: string): void;
}

/** Longest time for `stop`; the process is killed after it. */
const STOP_MS = 2000;
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
      stdio: isStandard ? ["pipe", "pipe", "pipe"] : ["ignore", "pipe", "pipe", "pipe"],
    });
    const channel = isStandard ? undefined : (this.#child.stdio[3] as Duplex | null | undefined);
    this.#input = (isStandard ? this.#child.stdin : channel) ?? undefined;
    this.#readProtocol((isStandard ? this.#child.stdout : channel) ?? undefined);
    if (!isStandard) this.#readOutput("stdout", this.#child.stdout);
    this.#readOutput("stderr", this.#child.stderr);
    this.#input?.on("error", () => undefined);
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
    this.#child.kill("SIGKILL");
  }

  /** Asks it to end, then ends it. */
  async stop(why: string): Promise<void> {
    this.#why ??= why;
    this.send({ type: "stop" });
    this.#input?.end();
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(limit);
  }

  #readProtocol(from: Readable | undefined): void {
    const lines = new LineSplitter(
      MAX_LINE_BYTES,
      (line) => {
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
    from?.on("data", (chunk: Buffer) => lines.push(chunk));
    from?.on("error", () => undefined);
  }

  #readOutput(name: "stdout" | "stderr", from: Readable | null): void {
    const take = (line: string): void => {
      if (name === "stderr") this.#remember(line);
      this.#hooks.onOutput(name, line);
    };
    const lines = new LineSplitter(MAX_OUTPUT_LINE_BYTES, take, (beginning) => take(`${beginning}…`));
    from?.on("data", (chunk: Buffer) => lines.push(chunk));
    from?.on("end", () => lines.flush());
    from?.on("error", () => undefined);
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
      abandoned: this.abandoned.size,
    };
    const why = this.#hasEnded ? undefined : whyToKill(look, this.#memoryMb);
    if (why !== undefined) this.kill(why);
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
