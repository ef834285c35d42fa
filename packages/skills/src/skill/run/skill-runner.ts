import {
  type Envelope,
  type HandlerContext,
  MeshError,
  type MeshErrorCode,
  RetryableError,
} from "@adaos/core";
import { delay, messageOf } from "@adaos/core/wire";
import type { SkillDefinition, SkillFile } from "../file/read-skill.ts";
import { failuresAfter, restartDelayMs } from "../process/restart-backoff.ts";
import { skillDurable } from "./names.ts";
import type { SkillLogSink, SkillPort } from "./skill-port.ts";
import { type RunEnd, SkillRun } from "./skill-run.ts";
import type { SkillState, SkillStatus } from "./skill-state.ts";
import { SkillSubscriptions } from "./subscriptions.ts";

/** Time for handlers to finish when a skill is stopped or loaded anew. */
const GRACE_MS = 5000;
/**
 * Events wait for the next process so long in the daemon. A longer wait ends the subscriptions: each event would use up
 * its attempts, while it could wait in the stream.
 */
const KEEPS_LISTENING_MS = 4000;
/** Time between two tries to subscribe what was denied; a change of the node file is tried at once. */
const DENIED_MS = 30_000;
/** Refusals that only another file or policy cures. */
const REFUSALS: ReadonlySet<MeshErrorCode> = new Set(["denied", "usage", "invalid-config"]);

/** Runs one skill: starts its process again whenever it ends, at growing intervals. */
export class SkillRunner {
  readonly #port: SkillPort;
  readonly #log: SkillLogSink;
  readonly #stopping = new AbortController();
  #file: SkillFile;
  #skill: SkillDefinition;
  #subscriptions: SkillSubscriptions;
  /** The process that takes events. */
  #live: SkillRun | undefined;
  /** The newest process, which may not be ready yet. */
  #newest: SkillRun | undefined;
  #waiting: (() => void)[] = [];
  /** False while events stay in the stream. */
  #isListening = true;
  #replacing: Promise<unknown> = Promise.resolve();
  #looping: Promise<void> | undefined;
  #wake = new AbortController();
  #state: SkillState = "starting";
  #reason: string | undefined;
  #since = new Date().toISOString();
  /** Its events were denied: by policy, or by a hub that has not had the newest policy yet. */
  #isDenied = false;
  #failures = 0;
  #restarts = 0;

  constructor(file: SkillFile, skill: SkillDefinition, port: SkillPort) {
    this.#file = file;
    this.#skill = skill;
    this.#port = port;
    this.#subscriptions = this.#newSubscriptions();
    this.#log = port.openLog(skill.name);
  }

  start(): void {
    this.#looping ??= this.#loop();
  }

  /** Starts it at once, where it waits: what refused it may have changed. */
  retry(): void {
    this.#wake.abort();
  }

  /**
   * Puts a changed skill in force. The earlier process takes events until the new one is ready. Resolves with why the
   * new one cannot take over; the earlier one goes on then.
   */
  replace(file: SkillFile, skill: SkillDefinition): Promise<string | undefined> {
    const replaced = this.#replacing.then(() => this.#replace(file, skill));
    this.#replacing = replaced.catch(() => undefined);
    return replaced;
  }

  async #replace(file: SkillFile, skill: SkillDefinition): Promise<string | undefined> {
    if (this.#stopping.signal.aborted) return undefined;
    const before = this.#live;
    if (before === undefined) {
      await this.#adopt(file, skill);
      this.#failures = 0;
      this.#newest?.process.kill("its files have changed");
      this.retry();
      return undefined;
    }
    const run = this.#begin(file, skill);
    if (!(run instanceof SkillRun)) return run.why;
    if (!(await run.start())) return (await run.ended()).why;
    if (this.#live !== before && !this.#stopping.signal.aborted) {
      // The earlier one has ended meanwhile, and its successor has begun or is about to: one of them is enough.
      await run.stop("another process has begun", 0);
      return this.#replace(file, skill);
    }
    if (this.#stopping.signal.aborted) {
      await run.stop("the daemon stops", 0);
      return undefined;
    }
    this.#take(run);
    await this.#adopt(file, skill);
    await this.#listen(run);
    this.#tell("info", "skill loaded anew", { pid: run.process.pid });
    await before.stop("its files have changed", GRACE_MS);
    return undefined;
  }

  async stop(why: string): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    this.#release();
    await this.#replacing;
    await Promise.all([this.#subscriptions.close(GRACE_MS), this.#newest?.stop(why, GRACE_MS)]);
    await this.#looping;
    this.#become("stopped", undefined);
    this.#log.close();
  }

  status(): SkillStatus {
    const { name, version, topics, publish } = this.#skill;
    const { pid, memoryBytes } = this.#newest?.process ?? {};
    return {
      name,
      version: version ?? null,
      folder: this.#file.folder,
      state: this.#state,
      reason: this.#reason ?? this.#policyProblem() ?? null,
      pid: pid ?? null,
      since: this.#since,
      restarts: this.#restarts,
      memory_bytes: memoryBytes ?? null,
      in_hand: this.#live?.inHand ?? 0,
      dropped_lines: this.#log.dropped,
      subscribe: topics.map(({ pattern }) => pattern.text),
      publish: publish.map(({ text }) => text),
      durables: topics.map(({ pattern }) => skillDurable(name, pattern)),
    };
  }

  #newSubscriptions(): SkillSubscriptions {
    return new SkillSubscriptions(this.#skill, this.#port.bus, (...args) => this.#pass(...args));
  }

  async #adopt(file: SkillFile, skill: SkillDefinition): Promise<void> {
    const isSame = this.#subscriptions.isSame(skill);
    this.#file = file;
    this.#skill = skill;
    if (!isSame) await this.#renewSubscriptions(GRACE_MS);
  }

  async #renewSubscriptions(graceMs: number): Promise<void> {
    const subscriptions = this.#subscriptions;
    this.#subscriptions = this.#newSubscriptions();
    await subscriptions.close(graceMs);
  }

  /** What it declares and the member may not: policy may have changed while it runs. */
  #policyProblem(): string | undefined {
    const { topics, publish } = this.#skill;
    const declared = { subscribe: topics.map(({ pattern }) => pattern), publish };
    for (const verb of ["subscribe", "publish"] as const) {
      for (const [i, { text }] of declared[verb].entries()) {
        const problem = this.#port.policyProblem(verb, text);
        if (problem !== undefined) return `${this.#file.placeOf(["events", verb, i])} ${problem}`;
      }
    }
    return undefined;
  }

  async #loop(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#become("starting", this.#reason);
      this.#isDenied = false;
      this.#wake = new AbortController();
      const startedMs = performance.now();
      const { why, isRefused } = await this.#runOnce();
      this.#live = undefined;
      this.#newest = undefined;
      if (this.#stopping.signal.aborted) return;
      this.#failures = failuresAfter(this.#failures, performance.now() - startedMs);
      const waitMs = restartDelayMs(this.#failures);
      this.#tell("error", isRefused ? "skill refused" : "skill ended", {
        reason: why,
        ...(isRefused ? {} : { waitMs }),
      });
      this.#become(isRefused ? "refused" : "waiting", why);
      if (isRefused || waitMs > KEEPS_LISTENING_MS) await this.#hush();
      if (isRefused && !this.#isDenied) await aborted(this.#wake.signal);
      else if (isRefused) await delay(DENIED_MS, this.#wake.signal);
      else await delay(waitMs, this.#wake.signal);
      this.#restarts++;
    }
  }

  /** Ends the subscriptions: the next process opens them again. */
  async #hush(): Promise<void> {
    this.#isListening = false;
    this.#release();
    await this.#renewSubscriptions(0);
  }

  /** Resolves when the process that takes events has ended, or none could be started. */
  async #runOnce(): Promise<RunEnd> {
    const run = this.#begin(this.#file, this.#skill);
    if (!(run instanceof SkillRun)) return run;
    this.#newest = run;
    if (await run.start()) {
      this.#take(run);
      await this.#listen(run);
      this.#tell("info", "skill started", { pid: run.process.pid });
    }
    for (let current = run; ; current = this.#live ?? current) {
      const end = await current.ended();
      if (this.#live === undefined || this.#live === current) return end;
    }
  }

  #begin(file: SkillFile, skill: SkillDefinition): SkillRun | RunEnd {
    try {
      return new SkillRun(file, skill, this.#port, this.#log);
    } catch (thrown) {
      // Only a MeshError says that another start would not help; a system without memory may have some later.
      return {
        why: `${file.placeOf(["entry"])} ${messageOf(thrown)}`,
        isRefused: thrown instanceof MeshError,
      };
    }
  }

  #take(run: SkillRun): void {
    this.#newest = run;
    this.#live = run;
    this.#isListening = true;
    this.#become("running", undefined);
    this.#release();
  }

  /** Lets what waits for a process look again. */
  #release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Opens the subscriptions, or ends the process where that cannot be. */
  async #listen(run: SkillRun): Promise<void> {
    try {
      // A subscribe may wait for a hub that is away, and the process may end meanwhile.
      await Promise.race([this.#subscriptions.open(), run.ended()]);
    } catch (thrown) {
      if (thrown instanceof MeshError && REFUSALS.has(thrown.code)) {
        this.#isDenied = thrown.code === "denied";
        run.refuse(`${this.#file.placeOf(["events", "subscribe"])} ${messageOf(thrown)}`);
      } else run.process.kill(`it cannot subscribe: ${messageOf(thrown)}`);
    }
  }

  /** Passes an event to the process, or to the next one if there is none now. */
  async #pass(durable: string, handler: string, event: Envelope, context: HandlerContext): Promise<unknown> {
    while (this.#live === undefined) {
      if (this.#stopping.signal.aborted || context.signal.aborted || !this.#isListening)
        throw new RetryableError(this.#reason ?? "the skill has no process");
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        context.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return this.#live.pass(durable, handler, event, context);
  }

  #become(state: SkillState, reason: string | undefined): void {
    if (state !== this.#state) this.#since = new Date().toISOString();
    this.#state = state;
    this.#reason = reason;
  }

  #tell(level: "info" | "error", what: string, fields: Readonly<Record<string, unknown>>): void {
    this.#port.log[level]({ skill: this.#skill.name, ...fields }, what);
    const { reason, ...rest } = fields;
    this.#log.write(level, "daemon", reason === undefined ? what : `${what}: ${String(reason)}`, rest);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
