import { z } from "zod";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `15m`, `2h`, `7d` in milliseconds; undefined for another text. Pure. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 1);
}

/** A text as {@link parseDuration} reads it. */
export const duration: z.ZodType<number, string> = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue("must be like 30s, 15m, 2h or 7d");
  return z.NEVER;
});
