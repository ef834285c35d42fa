import { AsyncLocalStorage } from "node:async_hooks";
import { type Logger, MeshError } from "@adaos/core";
import { type Clock, type Documents, delay, messageOf } from "@adaos/core/wire";
import { compileScenario, type Scenario } from "../engine/compile.ts";
import { type Decision, decide, type ScenarioInput } from "../engine/decide.ts";
import { pendingEffects } from "../engine/decide-run.ts";
import type { Effect, Run, RunOutcome, ScenarioState, SkipCause } from "../engine/state.ts";
import { type Asked, inputOf, outdatedRetry } from "./asked.ts";
import { Commit, Portion, storeCommit } from "./commit.ts";
import { Outside, type ScenarioWorld, type Within } from "./outside.ts";
import { Room } from "./room.ts";
import { SkipLog } from "./skip-log.ts";
import { type LoadedScenario, loadScenario } from "./stored-scenario.ts";

export interface ScenarioRunnerOptions {
  /** `alpha/kitchen` */
  readonly owner: string;
  readonly documents: Documents;
  readonly world: ScenarioWorld;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the runs of the member may hold together. @default as much for this scenario alone */
  readonly room?: Room;
  /** Called whenever everything was read. */
  readonly onRead?: () => void;
}

const MAX_RETRY_MS = 10_000;
/** Of an event, before it is given back to be delivered again later. */
const ATTEMPTS = 3;

/**
 * Drives one scenario: gives inputs to its engine, stores what has changed, then does the effects. Inputs that come
 * while something is being stored are stored together afterwards. Whenever the store may be ahead, because a write
 * failed or another process or an operator has written, everything is read anew, as after a restart.
 */
export class ScenarioRunner {
  /** Since this process began. */
  readonly counts: {
    readonly outcomes: Map<RunOutcome, number>;
    readonly skips: Map<SkipCause, number>;
  } = { outcomes: new Map(), skips: new Map() };
  readonly #options: ScenarioRunnerOptions;
  #scenario: Scenario;
  #state: ScenarioState | undefined;
  #seqs = new Map<string, number>();
  /** Runs that have ended, until their record and event are stored. */
  #unrecorded = new Map<string, Run>();
  #patterns: readonly string[] = [];
  #next: Commit | undefined;
  #isStoring = false;
  #storing: Commit | undefined;
  #loading: Promise<void> | undefined;
  /** Counts changes by others: what was read before the last one is stale. */
  #changes = 0;
  #wakeAtMs: number | undefined;
  #cancelWake: (() => void) | undefined;
  readonly #skips: SkipLog;
  readonly #room: Room;
  readonly #portion: Portion = new Portion();
  readonly #outside: Outside;
  /** Outside of any handler. */
  readonly #apart: Within = AsyncLocalStorage.snapshot();
  readonly #stopped = new AbortController();
  #unread: string | undefined;
  #unstored: string | undefined;

  constructor(scenario: Scenario, options: ScenarioRunnerOptions) {
    this.#scenario = scenario;
    this.#options = options;
    const { documents, world, log, room = new Room() } = options;
    this.#room = room;
    this.#outside = new Outside(world, documents, this.#stopped.signal, log);
    this.#skips = new SkipLog(documents, scenario.name, (err) =>
      log.warn({ scenario: scenario.name, err }, "skips not recorded"),
    );
  }

  get scenario(): Scenario {
    return this.#scenario;
  }

  /** Why it stands still: its documents cannot be read, or not be stored. */
  get trouble(): string | undefined {
    return this.#unread ?? this.#unstored;
  }

  /** Undefined until it has been read. */
  get state(): ScenarioState | undefined {
    return this.#state;
  }

  /** Patterns of the events that durables hold for it, as it was stored. */
  get patterns(): readonly string[] {
    return this.#patterns;
  }

  /** Remembers them, so that a process with another text of the scenario finds the durables of this one. */
  keepPatterns(patterns: readonly string[]): void {
    if (patterns.join(" ") === this.#patterns.join(" ")) return;
    this.#patterns = patterns;
    if (this.#state !== undefined) this.#storeSoon();
  }

  /** Reads what is stored and goes on with it; tries until it succeeds. */
  start(): void {
    this.#reload("started");
  }

  /** Takes a changed file. Runs that have begun end as they began. */
  replace(scenario: Scenario): void {
    this.#scenario = scenario;
    if (this.#state === undefined) return;
    // Operators read in the stored state which text is in force.
    this.#storeSoon();
    this.#decide({ kind: "clock" });
  }

  /** An operator has changed the documents. */
  changed(): void {
    this.#changes++;
    if (!this.#stopped.signal.aborted) this.#reload("an operator has changed it");
  }

  /**
   * Resolves with the runs that this input has ended, once its consequences are stored. Rejects with `unavailable` or
   * `closed` where that is not known: give the input again.
   */
  async take(input: ScenarioInput): Promise<readonly Run[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#take(input);
      } catch (thrown) {
        // It may be stored all the same. What is kept in hand meanwhile is not forgotten for later events.
        if (attempt >= ATTEMPTS || this.#stopped.signal.aborted) throw thrown;
      }
    }
  }

  async #take(input: ScenarioInput): Promise<readonly Run[]> {
    while (this.#state === undefined) {
      if (this.#stopped.signal.aborted) throw new MeshError("closed", "the scenario has been stopped");
      await this.#loading;
    }
    const { ended, stored } = this.#decide(input, AsyncLocalStorage.snapshot());
    await stored;
    return ended;
  }

  /** Effects in hand are left: the next process does them again, under the same ids. */
  async stop(): Promise<void> {
    this.#stopped.abort(new MeshError("closed", "the scenario has been stopped"));
    this.#cancelWake?.();
    this.#state = undefined;
    this.#next?.reject(this.#stopped.signal.reason);
    this.#next = undefined;
    await this.#skips.flush();
  }

  #decide(
    input: ScenarioInput,
    within: Within = this.#apart,
  ): { readonly ended: readonly Run[]; readonly stored: Promise<void> | undefined } {
    const before = this.#state;
    if (before === undefined) return { ended: [], stored: undefined };
    const decision = decide(this.#scenario, before, input, this.#options.clock.now(), this.#room.isFull);
    for (const skip of decision.skips) {
      this.counts.skips.set(skip.cause, (this.counts.skips.get(skip.cause) ?? 0) + 1);
      this.#skips.add(skip);
    }
    this.#state = decision.state;
    this.#wake(decision.wakeAtMs);
    if (decision.state === before && decision.ended.length === 0)
      // An event that was taken a moment ago is settled when that is stored.
      return { ended: [], stored: this.#next?.done ?? this.#storing?.done };
    return { ended: decision.ended, stored: this.#note(before, decision, within) };
  }

  #note(before: ScenarioState, { changed, effects, ended }: Decision, within: Within): Promise<void> {
    const commit = this.#storeSoon();
    for (const run of changed) {
      commit.runs.set(run.id, run);
      if (before.runs[run.id] === undefined) this.#outside.enter(run.id, within);
    }
    for (const run of ended) {
      if (before.runs[run.id] === undefined) this.#outside.enter(run.id, within);
      commit.runs.set(run.id, run);
      this.#unrecorded.set(run.id, run);
      const outcome = run.outcome ?? "failed";
      this.counts.outcomes.set(outcome, (this.counts.outcomes.get(outcome) ?? 0) + 1);
    }
    commit.effects.push(...effects);
    commit.ended.push(...ended);
    return commit.done;
  }

  /** The commit that is stored next. */
  #storeSoon(): Commit {
    this.#next ??= new Commit();
    this.#apart(() => void this.#storeAll());
    return this.#next;
  }

  /** Stores one commit after the other; what comes meanwhile is the next. */
  async #storeAll(): Promise<void> {
    if (this.#isStoring) return;
    this.#isStoring = true;
    try {
      // What comes in the same turn is stored together.
      await Promise.resolve();
      while (this.#next !== undefined && this.#state !== undefined) {
        const commit = this.#next;
        this.#next = undefined;
        this.#storing = commit;
        if (!(await this.#store(commit, this.#state))) return;
      }
    } finally {
      this.#storing = undefined;
      this.#isStoring = false;
    }
  }

  /** Returns whether it is stored; otherwise everything is being read anew. */
  async #store(commit: Commit, state: ScenarioState): Promise<boolean> {
    const { documents } = this.#options;
    const { name } = this.#scenario;
    let stored: ReadonlyMap<string, number | undefined> | undefined;
    let reason = "another process or an operator has changed the scenario";
    try {
      stored = await storeCommit(documents, this.#scenario, commit, {
        triggers: state.triggers,
        unrecorded: this.#unrecorded.keys(),
        patterns: this.#patterns,
        seqs: this.#seqs,
        room: this.#room,
        portion: this.#portion,
      });
      this.#portion.stored();
    } catch (thrown) {
      this.#portion.failed();
      reason = messageOf(thrown);
      this.#unstored = reason;
    }
    // Stopped, or read anew meanwhile: its inputs come again.
    if (this.#state === undefined || this.#loading !== undefined) stored = undefined;
    if (stored === undefined) {
      commit.reject(new MeshError("unavailable", `scenario ${name} is read anew: ${reason}`));
      if (this.#state !== undefined) this.#reload(reason);
      return false;
    }
    for (const [key, seq] of stored) {
      if (seq === undefined) this.#seqs.delete(key);
      else this.#seqs.set(key, seq);
    }
    this.#unstored = undefined;
    commit.resolve();
    for (const effect of commit.effects) this.#perform(effect);
    for (const run of commit.ended) this.#finish(run);
    return true;
  }

  #perform(effect: Effect): void {
    const { id: effectId, runId } = effect;
    // A result that cannot be stored is not lost: whoever reads anew does the effect again.
    this.#outside.perform(effect, async (result) => {
      await this.#take({ kind: "result", runId, effectId, ...result });
    });
  }

  /** Tells the end of a run; then its document goes. */
  #finish(run: Run): void {
    this.#outside.finish(run, () => {
      if (this.#unrecorded.delete(run.id) && this.#state !== undefined) this.#storeSoon().removed.add(run.id);
    });
  }

  #wake(atMs: number | undefined): void {
    if (atMs === this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (atMs === undefined) return;
    this.#cancelWake = this.#apart(() =>
      this.#options.clock.at(atMs, () => {
        this.#wakeAtMs = undefined;
        this.#decide({ kind: "clock" });
      }),
    );
  }

  #reload(reason: string): void {
    this.#state = undefined;
    const error = new MeshError("unavailable", `scenario ${this.#scenario.name} is read anew: ${reason}`);
    this.#next?.reject(error);
    this.#next = undefined;
    if (this.#loading !== undefined) return;
    const loading = this.#apart(() => this.#load()).finally(() => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    this.#loading = loading;
  }

  async #load(): Promise<void> {
    const { documents, owner, log } = this.#options;
    const { name } = this.#scenario;
    const { signal } = this.#stopped;
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      try {
        const before = this.#changes;
        // A write that is under way would be ahead of what is read now.
        const loaded = this.#isStoring ? undefined : await loadScenario(documents, name, owner);
        if (loaded !== undefined && before === this.#changes && !signal.aborted) return this.#goOn(loaded);
      } catch (thrown) {
        this.#unread = messageOf(thrown);
        if (waitMs > 1000) log.warn({ scenario: name, reason: this.#unread }, "scenario not read yet");
      }
      await delay(this.#isStoring ? 5 : waitMs, signal);
    }
  }

  /** What was decided before and not done is done now. */
  #goOn({ state, unrecorded, asked, hash, seqs, bytes, patterns, missing }: LoadedScenario): void {
    const { log } = this.#options;
    this.#loading = undefined;
    this.#unread = undefined;
    this.#state = state;
    for (const key of this.#seqs.keys()) this.#room.note(key, bytes.get(key) ?? 0);
    for (const [key, size] of bytes) this.#room.note(key, size);
    this.#seqs = new Map(seqs);
    this.#patterns = patterns;
    this.#unrecorded = new Map(unrecorded);
    this.#outside.keepOnly((id) => state.runs[id] !== undefined || unrecorded.has(id));
    for (const runId of missing) {
      log.error(
        { scenario: this.#scenario.name, run: runId },
        "run is not stored any more: it counts as ended",
      );
      this.#decide({ kind: "ended", runId });
    }
    this.#endUnreadable(state);
    // As it was read: what is decided here is done once that is stored.
    for (const run of Object.values(state.runs))
      if (this.#state.runs[run.id] !== undefined)
        for (const effect of pendingEffects(run)) this.#perform(effect);
    for (const run of unrecorded.values()) this.#finish(run);
    for (const one of asked) this.#answer(one);
    // What was asked is taken once; and operators see which text is in force, also of a scenario without any state.
    if (asked.length > 0 || hash !== this.#scenario.hash) this.#storeSoon();
    this.#decide({ kind: "clock" });
    this.#options.onRead?.();
  }

  #answer(asked: Asked): void {
    const outdated = outdatedRetry(asked, this.#scenario, this.#options.clock.now());
    if (outdated === undefined) this.#decide(inputOf(asked, this.#scenario));
    else this.#skips.add(outdated);
  }

  /** A run keeps its text. One that this version of the program cannot run ends, and disturbs no other. */
  #endUnreadable(state: ScenarioState): void {
    for (const run of Object.values(state.runs)) {
      const reason = problemOf(run);
      if (reason === undefined || this.#state === undefined) continue;
      const failed = failedRun(run, reason, this.#options.clock.now());
      const { [run.id]: _, ...others } = this.#state.runs;
      this.#state = { ...this.#state, runs: others };
      const commit = this.#storeSoon();
      commit.runs.set(run.id, failed);
      commit.ended.push(failed);
      this.#unrecorded.set(run.id, failed);
      this.#decide({ kind: "ended", runId: run.id });
    }
  }
}

function problemOf({ scenario, text }: Run): string | undefined {
  try {
    compileScenario(scenario, text);
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function failedRun(run: Run, reason: string, nowMs: number): Run {
  const { cursor: _, ...rest } = run;
  return { ...rest, outcome: "failed", reason, endedMs: nowMs };
}
