import { randomBytes } from "node:crypto";

const POOL_BYTES = 6 * 256;
let pool: Buffer = Buffer.alloc(0);
let offset = 0;
let secondMs = -1;
let prefix = "";

/**
 * `EVT-<yyyymmdd>-<hhmmss>-<12 hex>` in UTC: unique, readable, and it tells where in time to look for the event.
 * @param nowMs Milliseconds since the epoch.
 */
export function newEventId(nowMs: number): string {
  // The prefix changes once a second and random bytes come in bulk: an id must not cost a system call.
  const currentMs = nowMs - (nowMs % 1000);
  if (currentMs !== secondMs) {
    secondMs = currentMs;
    const iso = new Date(currentMs).toISOString();
    prefix = `EVT-${iso.slice(0, 10).replaceAll("-", "")}-${iso.slice(11, 19).replaceAll(":", "")}-`;
  }
  if (offset >= pool.length) {
    pool = randomBytes(POOL_BYTES);
    offset = 0;
  }
  offset += 6;
  return prefix + pool.toString("hex", offset - 6, offset);
}
