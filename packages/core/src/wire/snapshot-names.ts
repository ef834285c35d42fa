import { deadLetterStream, doneStream, eventsStream, MESH_STREAM, parkedStream } from "./names.ts";

/** Subject on which a server is asked for the snapshot of a stream. */
export function snapshotSubject(stream: string): string {
  return `$JS.API.STREAM.SNAPSHOT.${stream}`;
}

/** Subject on which a server is asked to take a stream back from a snapshot. */
export function restoreSubject(stream: string): string {
  return `$JS.API.STREAM.RESTORE.${stream}`;
}

/**
 * What a stream holds, for the order of snapshots. `marks`: which effects have happened. `states`: what runs, timers
 * and handling have come to. `letters`: events that wait beside their stream. `events`: what all others lead to.
 */
export type StreamContent = "marks" | "states" | "letters" | "events";

/** What a stream of a server holds. Pure. @param of The subnet, or `root`. */
export function streamContent(of: string, stream: string): StreamContent {
  if (stream === MESH_STREAM || stream === eventsStream(of)) return "events";
  if (stream === deadLetterStream(of) || stream === parkedStream(of)) return "letters";
  // No member has this empty name: all marks begin so.
  return stream.startsWith(doneStream({ subnet: of, node: "" })) ? "marks" : "states";
}
