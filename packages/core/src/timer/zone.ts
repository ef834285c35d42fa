import { MeshError } from "../language/errors.ts";
import { quote } from "../language/event-name.ts";
import { RecentMap } from "../language/recent-map.ts";

/** A time as a clock on the wall shows it. */
export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const DAY_MS = 86_400_000;
/** Zones change their offset at a quarter of an hour in UTC, since 1972. */
const SLOT_MS = 900_000;

const formats = new RecentMap<string, Intl.DateTimeFormat>(100);
const offsets = new RecentMap<string, number>(10_000);

/** Throws `usage` unless `zone` is a time zone of the IANA database, such as `Europe/Berlin`, or `UTC`. */
export function assertZone(zone: string): void {
  try {
    formatOf(zone);
  } catch (cause) {
    const message = `there is no time zone ${quote(zone)}; write one such as Europe/Berlin or UTC`;
    throw new MeshError("usage", message, { cause });
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, made);
  return made;
}

/** How far a zone's clocks are ahead of UTC then, in milliseconds. Pure. */
export function offsetMs(atMs: number, zone: string): number {
  if (zone === "UTC") return 0;
  const slotMs = Math.floor(atMs / SLOT_MS) * SLOT_MS;
  const key = `${zone} ${slotMs}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(slotMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const offset = Date.UTC(year, month - 1, day, hour, minute, second) - slotMs;
  offsets.set(key, offset);
  return offset;
}

/** The local time that the clocks of a zone show. Pure. */
export function localTimeOf(atMs: number, zone: string): LocalTime {
  const shifted = new Date(atMs + offsetMs(atMs, zone));
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
  };
}

/**
 * When the clocks of a zone show a time. Of a time that comes twice, the first. Of one that is left out, the moment at
 * which the clocks go on behind it. Pure.
 */
export function timeOfLocal({ year, month, day, hour, minute, second }: LocalTime, zone: string): number {
  const asUtcMs = Date.UTC(year, month - 1, day, hour, minute, second);
  if (zone === "UTC") return asUtcMs;
  const before = offsetMs(asUtcMs - DAY_MS, zone);
  const after = offsetMs(asUtcMs + DAY_MS, zone);
  // The larger offset gives the earlier moment.
  for (const offset of [Math.max(before, after), Math.min(before, after)]) {
    if (offsetMs(asUtcMs - offset, zone) === offset) return asUtcMs - offset;
  }
  return changeBetween(asUtcMs - DAY_MS, asUtcMs + DAY_MS, zone);
}

/** The first moment with another offset than at the beginning. */
function changeBetween(fromMs: number, toMs: number, zone: string): number {
  const first = offsetMs(fromMs, zone);
  let [low, high] = [Math.floor(fromMs / SLOT_MS), Math.ceil(toMs / SLOT_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(middle * SLOT_MS, zone) === first) low = middle;
    else high = middle;
  }
  return high * SLOT_MS;
}
