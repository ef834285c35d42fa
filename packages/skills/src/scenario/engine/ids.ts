import { createHash } from "node:crypto";
import { eventIdAt } from "@adaos/core/wire";

/** Header of each effect: scenarios that have caused each other so far. */
export const DEPTH_HEADER = "scenario_depth";
/** Header of each effect: their names, the oldest first. */
export const RING_HEADER = "scenario_ring";
/** Runs that scenarios start by their effects, one by the other, end here. */
export const MAX_DEPTH = 32;
const MAX_RING = 32;
/** A header has at most 1024 characters. */
const MAX_RING_LENGTH = 1000;

/** The id of a run: the same trigger of the same scenario of the same member gives the same run. Pure. */
export function runIdOf(owner: string, scenario: string, trigger: string, nominalMs: number): string {
  return `RUN-${eventIdAt(nominalMs, digest([owner, scenario, trigger, nominalMs])).slice(4)}`;
}

/** The id of an effect's event, from run, step and nominal time. Pure. */
export function effectIdOf(runId: string, step: string, nominalMs: number): string {
  return eventIdAt(nominalMs, digest([runId, step, nominalMs]));
}

/** Tells whether two effects are the same, without their data. 12 hex digits. Pure. */
export function effectDigest(event: string, data: unknown): string {
  return digest([event, JSON.stringify(data) ?? ""]);
}

function digest(named: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(named)).digest("hex").slice(0, 12);
}

/** How deep a run is that this event starts, and through which scenarios. Pure. */
export function causeOf(
  headers: Readonly<Record<string, string>> | undefined,
  scenario: string,
): { readonly depth: number; readonly ring: readonly string[] } {
  const written = headers?.[DEPTH_HEADER] ?? "";
  const depth = /^\d{1,9}$/.test(written) ? Number(written) : 0;
  const before = depth === 0 ? [] : (headers?.[RING_HEADER] ?? "").split(" ").filter((name) => name !== "");
  return { depth: depth + 1, ring: [...before, scenario].slice(-MAX_RING) };
}

/** The headers of an effect of a run of this depth. Pure. */
export function causeHeaders(depth: number, ring: readonly string[]): Record<string, string> {
  let names = ring.join(" ");
  while (names.length > MAX_RING_LENGTH) names = names.slice(names.indexOf(" ") + 1);
  return { [DEPTH_HEADER]: String(depth), [RING_HEADER]: names };
}
