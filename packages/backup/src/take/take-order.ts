import { type StreamContent, streamContent } from "@adaos/core/wire";
import type { FoundStream } from "./keep-streams.ts";

/*
 * What says that something was done is read before what was done: after a restore nothing counts as done whose
 * outcome is missing. Places of durables come first of all, so that each link's source is behind its target.
 * docs/decisions/backup.md has the reasons.
 */

/** One step of a backup. */
export type TakeStep =
  | { readonly files: "marks" | "outbox" | "settings" | "secret" | "joined" }
  | { readonly streams: StreamContent };

/** The steps after the places of all durables are known, and the books of positions read. */
export const TAKE_ORDER: readonly TakeStep[] = [
  { files: "settings" },
  { files: "marks" },
  { streams: "marks" },
  { streams: "states" },
  { files: "outbox" },
  { streams: "letters" },
  { streams: "events" },
];

/** The streams of a step, of all servers. Pure. */
export function streamsOf(content: StreamContent, found: readonly FoundStream[]): FoundStream[] {
  return found.filter(({ server, info }) => streamContent(server.of, info.config.name) === content);
}
