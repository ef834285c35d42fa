import { createHash } from "node:crypto";
import type { EventPattern } from "@adaos/core";
import { eventIdAt } from "@adaos/core/wire";

const MAX_DURABLE = 63;
const DIGEST_LENGTH = 8;

/**
 * The durable of a skill's subscription: `skill-weather-nlp-intent-detected-1`. One that is too long ends in a digest
 * of the whole instead. Pure.
 */
export function skillDurable(skill: string, pattern: EventPattern): string {
  const event = pattern.kind === "all" ? "all" : pattern.text.replace(/\.$/, "");
  const name = `skill-${skill}-${event.replaceAll(/[^a-z0-9]/g, "-")}`;
  // A prefix and a name may be written with the same letters.
  const isPlain = name.length <= MAX_DURABLE && pattern.kind !== "prefix";
  // As may be the skill `a-b` with `c.d`, and the skill `a` with `b.c.d`.
  if (isPlain && !/[_-]/.test(event) && !skill.includes("-")) return name;
  const end = digest([skill, pattern.text]).slice(0, DIGEST_LENGTH);
  return `${name.slice(0, MAX_DURABLE - DIGEST_LENGTH - 1)}-${end}`;
}

/** The part of `source` before `@`. */
export function skillComponent(skill: string): string {
  return `skill.${skill}`;
}

/** An event that a skill publishes while it handles another. */
export interface Effect {
  /** The durable that delivered the handled event, and that event. */
  readonly durable: string;
  readonly handledId: string;
  readonly handledTs: string;
  readonly event: string;
  readonly data: unknown;
  /** The skill's own name of the effect. */
  readonly key: string | undefined;
  /** Which one it is of those of the same content; 0 for the first. */
  readonly index: number;
}

/**
 * The id of an event that a skill publishes while it handles another: the same again when it handles it again. It is
 * made from the content and not from the order, which may differ: then an event would be dropped as another's
 * repetition. Pure.
 */
export function effectId({ durable, handledId, handledTs, event, data, key, index }: Effect): string {
  const content = key === undefined ? ["data", event, data, index] : ["key", event, key];
  const atMs = Date.parse(handledTs);
  return eventIdAt(Number.isNaN(atMs) ? 0 : atMs, digest([durable, handledId, content]).slice(0, 12));
}

function digest(parts: unknown): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
