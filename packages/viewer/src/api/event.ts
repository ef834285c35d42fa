import type { KnownEvent, RecentEvent, Trace, Verdict } from "@adaos/operations";

/** A server that was left out of an answer, and why. */
export interface Away {
  readonly of: string;
  readonly reason: string;
}

/** `GET /api/event/trace`: the events that share a cause, as `adaos trace --json` prints them. */
export interface EventTrace {
  readonly trace: Trace;
  /** The trace is longer: only its beginning was read. */
  readonly isCut: boolean;
  readonly away: readonly Away[];
}

/** `GET /api/event/known`: everything known of one event, as `adaos events detail --json` prints it. */
export interface EventKnown {
  readonly known: KnownEvent;
  /** Bytes of the envelope as it is shown; `null` when no stream holds it. */
  readonly bytes: number | null;
  readonly away: readonly Away[];
}

/** `GET /api/event/search`: the newest events of a name, newest first. */
export interface EventSearch {
  readonly events: readonly RecentEvent[];
  /** Older ones were left out. */
  readonly isCut: boolean;
  readonly away: readonly Away[];
}

/** `GET /api/event/why`: why an event did not arrive, as `adaos why --json` prints it. */
export interface EventWhy {
  /** The event that is meant; `null` where no durable receives it. */
  readonly about: {
    /** `ui.notify@1` */
    readonly ref: string;
    /** `null`: none is stored. */
    readonly id: string | null;
    readonly from: string;
    readonly since: string;
  } | null;
  readonly verdicts: readonly Verdict[];
  readonly away: readonly Away[];
}
