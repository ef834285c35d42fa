import { randomHex } from "./random-id.ts";

let secondMs = -1;
let prefix = "";

/**
 * `EVT-<yyyymmdd>-<hhmmss>-<12 hex>` in UTC: unique, readable, and its time narrows the search for the event.
 * @param nowMs Milliseconds since the epoch.
 */
export function newEventId(nowMs: number): string {
  return eventIdAt(nowMs, randomHex(6));
}

/** The id of an event that is known by more than its time. @param hex 12 digits. */
export function eventIdAt(nowMs: number, hex: string): string {
  // The prefix changes only once a second.
  const currentMs = nowMs - (nowMs % 1000);
  if (currentMs !== secondMs) {
    secondMs = currentMs;
    const iso = new Date(currentMs).toISOString();
    prefix = `EVT-${iso.slice(0, 10).replaceAll("-", "")}-${iso.slice(11, 19).replaceAll(":", "")}-`;
  }
  return prefix + hex;
}
