/** R107: an alert follows after so many restarts that did not help. */
export const FAILURES_UNTIL_ALERT = 4;

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 10_000;
/** A process that has run this long starts again with a short wait when it dies. */
const STEADY_MS = 10_000;
/** A process that the watchdog ends must have run longer: the watchdog notices a fault only some seconds later. */
const ORDERED_STEADY_MS = 60_000;

/** How a process ended. */
export interface Ending {
  /** `SIGKILL`, `exit code 70`, or why the watchdog has ended it. */
  readonly reason: string;
  /** The watchdog has ended it. */
  readonly ordered: boolean;
}

/** How a run went. */
export interface Run {
  readonly ordered: boolean;
  readonly ranMs: number;
  /** It has been found well at least once, if anything checks it. */
  readonly wasWell: boolean;
}

/**
 * How many runs in a row have failed now, and how long to wait before the next one. Pure. The first restarts come
 * quickly: most dead processes were killed, and are well after a restart. From the fourth on 10 s lie between them.
 * @param before Failures before this run.
 */
export function nextRestart(run: Run, before: number): { failures: number; pauseMs: number } {
  const steadyMs = run.ordered ? ORDERED_STEADY_MS : STEADY_MS;
  const failures = run.wasWell && run.ranMs >= steadyMs ? 1 : before + 1;
  const pauseMs = failures >= FAILURES_UNTIL_ALERT ? MAX_PAUSE_MS : FIRST_PAUSE_MS * 2 ** (failures - 1);
  return { failures, pauseMs };
}

/** Whether a healthy run resets the failures before it. Pure. */
export function isForgiven(ranMs: number): boolean {
  return ranMs >= ORDERED_STEADY_MS;
}
