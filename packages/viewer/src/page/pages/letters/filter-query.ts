/** What the list is narrowed by, as the query of the address holds it. Times are RFC 3339 in UTC. */
export const FILTER_KEYS = [
  "at",
  "node",
  "durable",
  "event",
  "category",
  "type",
  "since",
  "until",
  "text",
  "replayed",
] as const;

export type FilterKey = (typeof FILTER_KEYS)[number];
export type Filter = Partial<Record<FilterKey, string>>;

/** The filter of an address. Pure. */
export function filterOf(query: URLSearchParams): Filter {
  const filter: Filter = {};
  for (const key of FILTER_KEYS) {
    const value = query.get(key);
    if (value !== null && value !== "") filter[key] = value;
  }
  return filter;
}

/** A time as an input of the browser takes it, in its time zone; empty for no time. */
export function asLocalInput(at: string | undefined): string {
  const ms = Date.parse(at ?? "");
  if (Number.isNaN(ms)) return "";
  const offsetMs = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offsetMs).toISOString().slice(0, 16);
}

/** The reverse of {@link asLocalInput}. */
export function fromLocalInput(value: string): string {
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}
