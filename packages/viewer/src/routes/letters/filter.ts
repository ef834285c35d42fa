import type { LetterFilter } from "@adaos/operations";
import { z } from "zod";

const MAX_TEXT = 300;
const text = z
  .string()
  .max(MAX_TEXT)
  .transform((given) => given.trim() || undefined)
  .optional();
const time = text.transform((given, context) => {
  const ms = given === undefined ? undefined : Date.parse(given);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue("must be a time, for example 2026-01-05T09:30:00Z");
  return z.NEVER;
});

const filterShape = {
  at: text,
  node: text,
  durable: text,
  event: text,
  category: z.enum(["transient", "permanent", "unknown"]).or(z.literal("")).optional(),
  type: text,
  since: time,
  until: time,
  text,
  replayed: z.enum(["yes", "no"]).or(z.literal("")).optional(),
} as const;

/** The filter of the list, checked. Times are milliseconds since the epoch; an empty text matches all. */
export interface ListFilter {
  readonly at?: string | undefined;
  readonly node?: string | undefined;
  readonly durable?: string | undefined;
  readonly event?: string | undefined;
  readonly category?: "transient" | "permanent" | "unknown" | "" | undefined;
  readonly type?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly text?: string | undefined;
  readonly replayed?: "yes" | "no" | "" | undefined;
}

/** The filter as the query of the page's address and the body of a plan hold it. */
export const filterSchema: z.ZodType<ListFilter> = z.strictObject(filterShape);

/** The same, and the page of the list. */
export const listSchema: z.ZodType<ListFilter & { readonly before?: string | undefined }> = z.strictObject({
  ...filterShape,
  before: z.string().max(200).optional(),
});

/** Pure. */
export function letterFilter({
  at,
  node,
  durable,
  event,
  category,
  type,
  since,
  until,
  text: part,
}: ListFilter): LetterFilter {
  return {
    ...(at === undefined ? {} : { at }),
    ...(node === undefined ? {} : { node }),
    ...(durable === undefined ? {} : { durable }),
    ...(event === undefined ? {} : { event }),
    ...(category === undefined || category === "" ? {} : { category }),
    ...(type === undefined ? {} : { type }),
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(until === undefined ? {} : { untilMs: until }),
    ...(part === undefined ? {} : { text: part }),
  };
}

/** The filter in words, for plans, jobs and the audit trail. Pure. */
export function filterText({ since, until, category, replayed, ...named }: ListFilter): string {
  const parts = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  if (category !== undefined && category !== "") parts.push(`category ${category}`);
  if (since !== undefined) parts.push(`since ${new Date(since).toISOString()}`);
  if (until !== undefined) parts.push(`until ${new Date(until).toISOString()}`);
  if (replayed === "yes") parts.push("replayed already");
  if (replayed === "no") parts.push("not replayed yet");
  return parts.length === 0 ? "all dead letters" : `dead letters of ${parts.join(", ")}`;
}
