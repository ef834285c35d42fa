import { MeshError, newEventId } from "@adaos/core";
import { messageOf, within } from "@adaos/core/wire";
import type { PlannedLetter } from "@adaos/operations";
import type { Job, JobProblem, JobState } from "../api/jobs.ts";
import type { JobPlan, JobStore, KeptJob } from "./job-store.ts";
import type { JobWork } from "./job-work.ts";

/** Jobs that change letters at the same time. */
export const MAX_AT_ONCE = 4;
/** Jobs that wait for handlers; the oldest gives up waiting for another. */
const MAX_SETTLING = 8;
const MAX_KEPT = 50;
/** Problems of a job that are named; the others are counted. */
const MAX_PROBLEMS = 20;
/** A job's file is written so often at most. */
const SAVE_MS = 1000;
/** A job that is stopped ends what is under way. */
const STOP_LIMIT_MS = 15_000;
const RESUMABLE: ReadonlySet<JobState> = new Set(["interrupted", "cancelled", "failed"]);
/** A reason to end a job that is not a person's. */
const STOPPED = "the viewer was stopped";
const CRASHED = "the viewer ended before the job did";

/** A job that is asked for. */
export interface JobRequest extends Pick<KeptJob, "kind" | "what" | "who"> {
  readonly perSecond?: number | undefined;
}

/** A job under way. */
interface Active {
  readonly stopping: AbortController;
  /** The places of its letters: two jobs must not change one letter. */
  readonly places: ReadonlySet<string>;
  ended: Promise<void>;
}

/** Runs jobs in this process, whoever looks on, and keeps on disk how far they are. */
export class JobRunner {
  readonly #store: JobStore;
  readonly #work: JobWork;
  readonly #say: (line: string) => void;
  readonly #jobs = new Map<string, KeptJob>();
  readonly #active = new Map<string, Active>();
  readonly #savedMs = new Map<string, number>();
  #isStopped = false;

  constructor(store: JobStore, work: JobWork, say: (line: string) => void) {
    this.#store = store;
    this.#work = work;
    this.#say = say;
    for (const job of store.load()) {
      const isCut = job.state === "running" || job.state === "settling";
      // It is not written: this process may fail to start beside the one that runs the job.
      this.#jobs.set(job.id, isCut ? { ...job, state: "interrupted", error: CRASHED } : job);
    }
  }

  /** Newest first. */
  list(): Job[] {
    return [...this.#jobs.values()].map(shown).toReversed();
  }

  /** Throws `usage` when there is none of this id. */
  get(id: string): Job {
    return shown(this.#find(id));
  }

  /** How many of these letters a job is changing now. */
  busy(letters: readonly PlannedLetter[]): number {
    const taken = [...this.#active.values()].map(({ places }) => places);
    return letters.filter((letter) => taken.some((places) => places.has(placeOf(letter)))).length;
  }

  /** Begins a job. Throws `usage`, `backpressure`, or what keeps its plan from being stored. */
  start({ kind, what, who, perSecond }: JobRequest, plan: JobPlan): Job {
    this.#assertRoom(plan.letters);
    const job: KeptJob = {
      id: newEventId(Date.now()).replace(/^EVT/, "JOB"),
      ...{ kind, what, who, state: "running", began_at: new Date().toISOString() },
      ...(perSecond === undefined ? {} : { per_second: perSecond }),
      ...{ count: plan.letters.length, done: 0, failed: 0, gone: 0, failed_again: 0 },
      ...{ problems: [], unsettled: [] },
    };
    this.#store.writePlan(job.id, plan);
    this.#store.write(job);
    this.#jobs.set(job.id, job);
    this.#prune();
    this.#launch(job.id, plan, who, false);
    return this.get(job.id);
  }

  /** Ends a job in order: what is under way ends first. Throws `usage`. */
  cancel(id: string, who: string): Job {
    const { state } = this.#find(id);
    const active = this.#active.get(id);
    if (active === undefined) throw new MeshError("usage", `${id} is ${state}, and cannot be cancelled`);
    active.stopping.abort(`cancelled by ${who}`);
    return this.get(id);
  }

  /** Goes on with what a job has not done yet. Throws `usage` or `backpressure`. */
  resume(id: string, who: string): Job {
    const job = this.#find(id);
    if (this.#active.has(id) || !shown(job).is_resumable)
      throw new MeshError("usage", `${id} is ${job.state}, and cannot be resumed`);
    const plan = this.#store.readPlan(id);
    if (plan === undefined)
      throw new MeshError(
        "usage",
        `the plan of ${id} is lost; begin a new job with the letters that are left`,
      );
    this.#assertRoom(plan.letters);
    const { error: _, ended_at: __, ...rest } = job;
    this.#jobs.set(id, {
      ...rest,
      who,
      state: "running",
      done: 0,
      failed: 0,
      gone: 0,
      problems: [],
      failed_again: 0,
    });
    this.#save(id);
    this.#launch(id, plan, who, true);
    return this.get(id);
  }

  /** Ends every job in order; each can be resumed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const running = [...this.#active.values()];
    for (const { stopping } of running) stopping.abort(STOPPED);
    await within(Promise.all(running.map(({ ended }) => ended)), STOP_LIMIT_MS);
  }

  #find(id: string): KeptJob {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new MeshError("usage", "there is no such job; it may be too old");
    return job;
  }

  #assertRoom(letters: readonly PlannedLetter[]): void {
    if (this.#isStopped) throw new MeshError("closed", STOPPED);
    const running = [...this.#active.keys()].filter((id) => this.#find(id).state === "running").length;
    if (running >= MAX_AT_ONCE)
      throw new MeshError(
        "backpressure",
        `${MAX_AT_ONCE} jobs run already; begin this one when one has ended`,
      );
    const busy = this.busy(letters);
    if (busy > 0)
      throw new MeshError(
        "usage",
        `another job is changing ${busy} of these letters; wait until it has ended`,
      );
  }

  #launch(id: string, plan: JobPlan, who: string, isResumed: boolean): void {
    const active = {
      stopping: new AbortController(),
      places: new Set(plan.letters.map(placeOf)),
      ended: Promise.resolve(),
    };
    this.#active.set(id, active);
    active.ended = this.#run(id, plan, who, isResumed, active.stopping.signal).finally(() => {
      this.#active.delete(id);
      this.#savedMs.delete(id);
    });
  }

  /** Never rejects. */
  async #run(id: string, plan: JobPlan, who: string, isResumed: boolean, signal: AbortSignal): Promise<void> {
    const run = { job: this.#find(id), plan, who, isResumed, signal };
    let earlier = 0;
    try {
      await this.#work.change(run, {
        before: (done, gone) => {
          this.#change(id, { done: this.#find(id).done + done - earlier, gone }, true);
          earlier = done;
        },
        end: (letterId, error) => this.#count(id, letterId, error),
      });
      if (signal.aborted) throw new MeshError("closed", "ended early");
      const { count, done, failed } = this.#find(id);
      this.#change(id, { gone: count - done - failed });
      if (run.job.kind === "replay") await this.#settle(run);
      // An end that comes while the handlers work is of the waiting alone, but a stopped viewer can wait again.
      const isStopped = signal.aborted && signal.reason === STOPPED;
      if (isStopped) this.#end(id, "interrupted", STOPPED);
      else
        this.#end(
          id,
          failed > 0 ? "failed" : "done",
          failed > 0 ? `${failed} could not be changed` : undefined,
        );
    } catch (thrown) {
      if (!signal.aborted) this.#end(id, "failed", messageOf(thrown));
      else this.#end(id, signal.reason === STOPPED ? "interrupted" : "cancelled", String(signal.reason));
    }
  }

  async #settle(run: Parameters<JobWork["settle"]>[0]): Promise<void> {
    const { id } = run.job;
    this.#change(id, { state: "settling" });
    const settling = [...this.#active].filter(([other]) => this.#find(other).state === "settling");
    if (settling.length > MAX_SETTLING) settling[0]?.[1].stopping.abort("others wait");
    const again = new Set<string>();
    await this.#work.settle(run, {
      again: (eventId, problem) => {
        if (again.has(eventId)) return;
        again.add(eventId);
        this.#change(id, { failed_again: again.size, problems: this.#withProblem(id, problem) }, true);
      },
      unsettled: (durables) => this.#change(id, { unsettled: durables.slice(0, MAX_PROBLEMS) }, true),
    });
  }

  #count(id: string, letterId: string, error: MeshError | undefined): void {
    const { done, failed } = this.#find(id);
    if (error === undefined) return this.#change(id, { done: done + 1 }, true);
    const problem = { letter_id: letterId.slice(0, 300), message: messageOf(error).slice(0, 300) };
    this.#change(id, { failed: failed + 1, problems: this.#withProblem(id, problem) }, true);
  }

  #withProblem(id: string, problem: JobProblem): readonly JobProblem[] {
    const { problems } = this.#find(id);
    const letter_id = problem.letter_id.slice(0, 300);
    return problems.length >= MAX_PROBLEMS ? problems : [...problems, { ...problem, letter_id }];
  }

  #end(id: string, state: JobState, error: string | undefined): void {
    const why = error === undefined ? {} : { error: error.slice(0, 500) };
    this.#change(id, { state, ended_at: new Date().toISOString(), ...why });
  }

  /** @param isProgress It is written to disk once in a while. */
  #change(id: string, change: Partial<KeptJob>, isProgress = false): void {
    this.#jobs.set(id, { ...this.#find(id), ...change });
    const nowMs = performance.now();
    if (isProgress && nowMs - (this.#savedMs.get(id) ?? 0) < SAVE_MS) return;
    this.#savedMs.set(id, nowMs);
    this.#save(id);
  }

  /** A job goes on while its file cannot be written; only a restart would show it older than it is. */
  #save(id: string): void {
    try {
      this.#store.write(this.#find(id));
    } catch (thrown) {
      this.#say(`how far ${id} is cannot be written: ${messageOf(thrown)}`);
    }
  }

  #prune(): void {
    const ended = [...this.#jobs.keys()].filter((id) => !this.#active.has(id));
    for (const id of ended.slice(0, Math.max(0, this.#jobs.size - MAX_KEPT))) {
      this.#jobs.delete(id);
      this.#store.remove(id);
    }
  }
}

function shown(job: KeptJob): Job {
  return { ...job, is_resumable: RESUMABLE.has(job.state) };
}

function placeOf({ stream, kept }: Pick<PlannedLetter, "stream" | "kept">): string {
  return `${stream} ${kept}`;
}
