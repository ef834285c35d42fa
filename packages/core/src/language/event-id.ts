import { randomHex } from "./random-id.ts";

let secondMs = -1;
let prefix = "";

/**
 * `EVT-<yyyymmdd>-<hhmmss>-<12 hex>` in UTC: unique, readable, and its time narrows the search for the event.
 * @param nowMs Milliseconds since the epoch.
 */
export function newEventId(nowMs: number): string {
  // The prefix changes only once a second.
  const currentMs = nowMs - (nowMs % 1000);
  if (currentMs !== secondMs) {
    secondMs = currentMs;
    const iso = new Date(currentMs).toISOString();
    prefix = `EVT-${iso.slice(0, 10).replaceAll("-", "")}-${iso.slice(11, 19).replaceAll(":", "")}-`;
  }
  return prefix + randomHex(6);
}
