import type { Query } from "../../app/ask.ts";

/** What the list shows, as the query of the address has it. */
export interface LiveFilters {
  readonly at: readonly string[];
  readonly pattern: readonly string[];
  readonly origin: string;
  readonly tenant: string;
  readonly correlation: string;
  readonly text: string;
  readonly field: readonly string[];
  readonly since: string;
}

export const NO_FILTERS: LiveFilters = {
  ...{ at: [], pattern: [], field: [], origin: "", tenant: "", correlation: "", text: "", since: "" },
};

/** Pure. */
export function filtersOf(query: URLSearchParams): LiveFilters {
  const text = (key: string): string => query.get(key) ?? "";
  return {
    ...{ at: query.getAll("at"), pattern: query.getAll("pattern"), field: query.getAll("field") },
    ...{ origin: text("origin"), tenant: text("tenant"), correlation: text("correlation") },
    ...{ text: text("text"), since: text("since") },
  };
}

/** The query of the feed that these filters mean. Pure. */
export function feedQuery(filters: LiveFilters): Query {
  return { ...filters };
}

/** `ui., nlp.intent.detected@1` as patterns; an event's name has neither comma nor space. Pure. */
export function patternsOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((one) => one !== "");
}

/** `data.room=desk && data.level=error` as fields. Pure. */
export function fieldsOf(text: string): readonly string[] {
  return text
    .split("&&")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

/** Whether nothing is filtered. Pure. */
export function isUnfiltered({ since: _, ...filters }: LiveFilters): boolean {
  return Object.values(filters).every((value) => value.length === 0);
}
