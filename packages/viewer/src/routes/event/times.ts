import { parseDuration } from "@adaos/config";
import { z } from "zod";

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z$/;
const MAX_BACK_MS = 366 * 86_400_000;

/** `2h`, or a time in UTC: milliseconds since the epoch. */
export const sinceInput: z.ZodType<number, string> = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = RFC3339.test(text) ? Date.parse(text) : Date.now() - (parseDuration(text) ?? Number.NaN);
    if (ms >= Date.now() - MAX_BACK_MS) return ms;
    context.addIssue({
      code: "custom",
      message: "must be like 30s, 10m, 2h, 7d or 2026-01-05T09:30:00Z, and at most a year back",
    });
    return z.NEVER;
  });
