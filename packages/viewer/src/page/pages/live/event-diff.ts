/** A place at which two values differ. `undefined`: it has no such place. */
export interface Difference {
  /** `data.rooms.0.name` */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Differences that are shown. */
const MAX_DIFFERENCES = 200;

/** The places at which two JSON values differ, in the order of the second. Pure. */
export function differences(before: unknown, after: unknown, path = "data"): Difference[] {
  const found: Difference[] = [];
  collect(before, after, path, found);
  return found;
}

function collect(before: unknown, after: unknown, path: string, found: Difference[]): void {
  if (found.length >= MAX_DIFFERENCES || Object.is(before, after)) return;
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    found.push({ path, before, after });
    return;
  }
  for (const key of new Set([...Object.keys(after), ...Object.keys(before)]))
    collect(own(before, key), own(after, key), `${path}.${key}`, found);
}

function own(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
