/** A letter that a job could not change, or that became a dead letter again. */
export interface JobProblem {
  readonly letter_id: string;
  readonly message: string;
  /** Where the new dead letter lies: `beta/17`. */
  readonly place?: string;
}

/**
 * `settling`: all letters are given to their handlers, some of which have still to say how it went. `interrupted`: the
 * viewer ended before the job did.
 */
export type JobState = "running" | "settling" | "done" | "cancelled" | "failed" | "interrupted";

/** `GET /api/jobs/:id`: a change of many dead letters. It goes on without any page. */
export interface Job {
  readonly id: string;
  readonly kind: "replay" | "purge";
  readonly state: JobState;
  /** Who has begun or resumed it. */
  readonly who: string;
  /** The selection, in words. */
  readonly what: string;
  /** RFC 3339. */
  readonly began_at: string;
  readonly ended_at?: string;
  /** Letters a second; missing: as many as can be. */
  readonly per_second?: number;
  /** Letters of its plan. */
  readonly count: number;
  readonly done: number;
  /** Those that could not be changed; they are still dead letters. */
  readonly failed: number;
  /** Those that somebody else has taken away. */
  readonly gone: number;
  /** Replayed letters that became dead letters again. */
  readonly failed_again: number;
  /** The first problems of either kind. */
  readonly problems: readonly JobProblem[];
  /** Durables that have not settled all of the replay: `beta/desk screen`. */
  readonly unsettled: readonly string[];
  /** Why it is not done. */
  readonly error?: string;
  /** Whether it can go on where it ended. */
  readonly is_resumable: boolean;
}

/** `GET /api/jobs`: newest first. */
export interface Jobs {
  readonly jobs: readonly Job[];
  readonly max_at_once: number;
}
