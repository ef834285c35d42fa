/** The lease as its stream has it: which daemon serves the subnet. */
export interface LeaseRecord {
  /** Place in the stream; each renewal takes a new one. 0: there is none yet. */
  readonly seq: number;
  /** The daemon's name; undefined when nobody holds it. */
  readonly holder?: string | undefined;
}

/** What a daemon has seen of the lease. Times are of its own monotonic clock: no two clocks are compared. */
export interface LeaseSight {
  readonly record: LeaseRecord;
  /** When it first saw this place. */
  readonly sinceMs: number;
  /** Since when each of its questions has been answered. */
  readonly answeredSinceMs: number;
}

/** A holder that has not renewed for this long is gone. It renews every second. */
export const LEASE_MS = 4000;
/** After a time without a leader of the stream, a living holder renews sooner than this. */
export const ANSWERED_MS = 1500;

/** Takes the newest answer of the stream. Pure. */
export function seeLease(before: LeaseSight | undefined, record: LeaseRecord, nowMs: number): LeaseSight {
  if (before === undefined) return { record, sinceMs: nowMs, answeredSinceMs: nowMs };
  if (before.record.seq === record.seq) return before;
  return { record, sinceMs: nowMs, answeredSinceMs: before.answeredSinceMs };
}

/** Whether the daemon of this name, which stands by, takes the lease now. Pure. */
export function maySeize(
  { record, sinceMs, answeredSinceMs }: LeaseSight,
  node: string,
  nowMs: number,
): boolean {
  // A daemon that was restarted goes on at once: no other process has its name.
  if (record.holder === undefined || record.holder === node) return true;
  return nowMs - sinceMs >= LEASE_MS && nowMs - answeredSinceMs >= ANSWERED_MS;
}
