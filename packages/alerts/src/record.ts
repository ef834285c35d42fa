import { z } from "zod";
import type { Alert } from "./judge/alert.ts";

/** A stored change of an alert: the newest change of each alert is its state. */
export interface AlertRecord {
  /** `unsilenced`: it is still raised when the silence in which it was raised ends. */
  readonly change: "raised" | "cleared" | "unsilenced";
  /** Of the event that reports it. */
  readonly event_id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly value: number;
  /** Whether webhooks are notified. */
  readonly told: boolean;
  readonly alert: Alert;
}

/** A silence: some alerts notify no webhook for a while. */
export interface Silence {
  /** The name of an alert (`linkDown/alpha`) or of a rule (`linkDown`). */
  readonly name: string;
  /** RFC 3339. */
  readonly until: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

/** The alerts that a webhook did not accept in any attempt. */
export interface Undelivered {
  readonly webhook: string;
  readonly at: string;
  readonly reason: string;
  readonly alerts: readonly string[];
}

const text = z.string().max(2000);

/** Stored records may be older than this program. */
const recordSchema: z.ZodType<AlertRecord> = z.object({
  change: z.enum(["raised", "cleared", "unsilenced"]),
  event_id: text,
  at: text,
  value: z.number(),
  told: z.boolean(),
  alert: z.object({
    alert: text,
    rule: text,
    severity: z.enum(["critical", "warning"]),
    node: text,
    labels: z.record(z.string(), text),
    summary: text,
    cause: text,
    since: text,
    look: text,
  }),
});

const silenceSchema: z.ZodType<Silence> = z.object({
  name: text,
  until: text,
  reason: text,
  by: text,
  at: text,
});

const undeliveredSchema: z.ZodType<Undelivered> = z.object({
  webhook: text,
  at: text,
  reason: text,
  alerts: z.array(text),
});

export const parseRecord = (body: Uint8Array): AlertRecord | undefined => parse(recordSchema, body);
export const parseSilence = (body: Uint8Array): Silence | undefined => parse(silenceSchema, body);
export const parseUndelivered = (body: Uint8Array): Undelivered | undefined => parse(undeliveredSchema, body);

function parse<T>(schema: z.ZodType<T>, body: Uint8Array): T | undefined {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder().decode(body))).data;
  } catch {
    return undefined;
  }
}

/** The silence that covers an alert and lasts longest; undefined when none covers it. Pure. */
export function silenceOf(silences: Iterable<Silence>, alert: string, nowMs: number): Silence | undefined {
  let longest: Silence | undefined;
  for (const silence of silences) {
    if (silence.name !== alert && !alert.startsWith(`${silence.name}/`)) continue;
    if (Date.parse(silence.until) <= nowMs) continue;
    if (longest === undefined || Date.parse(longest.until) < Date.parse(silence.until)) longest = silence;
  }
  return longest;
}
