import type { MeshError } from "@adaos/core";
import type { JobProblem } from "../api/jobs.ts";
import type { JobPlan, KeptJob } from "./job-store.ts";

/** How a job is run. */
export interface JobRun {
  readonly job: Pick<KeptJob, "id" | "kind" | "what" | "per_second">;
  readonly plan: JobPlan;
  /** Who has begun or resumed it. */
  readonly who: string;
  /** Some of the plan may be done already. */
  readonly isResumed: boolean;
  /** Ends it in order. */
  readonly signal: AbortSignal;
}

/** Takes what a job has done. */
export interface JobReport {
  /** Letters of the plan that were done before, and those that somebody else has taken away. */
  before(done: number, gone: number): void;
  end(letterId: string, error?: MeshError): void;
}

/** Takes how the handlers have ended. */
export interface SettlingReport {
  again(eventId: string, problem: JobProblem): void;
  unsettled(durables: readonly string[]): void;
}

/** The work of a job, at the streams of the mesh. */
export interface JobWork {
  /**
   * Changes the letters of a plan that are still there, none twice. Resolves when all are tried, or early when the
   * signal ends it. Rejects when a hub is away.
   */
  change(run: JobRun, report: JobReport): Promise<void>;
  /** Waits until the handlers have settled what was replayed, for some minutes at most. Rejects likewise. */
  settle(run: JobRun, report: SettlingReport): Promise<void>;
}
