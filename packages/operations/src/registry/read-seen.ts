import { formatEventRef, parseEventPattern } from "@adaos/core";
import { DURABLE_METADATA, eventsStream, messageOf } from "@adaos/core/wire";
import type { OpenServer } from "../hubs.ts";
import { publishedPast } from "../stored/published-past.ts";
import type { SeenDurable, SeenProducers } from "./drift.ts";

/** Where what was seen is kept, for {@link driftOf}. */
export interface Seen {
  readonly producers: SeenProducers;
  readonly durables: SeenDurable[];
}

export interface SeenOptions {
  readonly since: Date;
  /** Called for each event that was read. */
  readonly onRead?: () => void;
  /** Called for each durable that is left out. */
  readonly say: (line: string) => void;
  /** Events that are read of this hub, the oldest first. @default all */
  readonly maxRead?: number;
}

/** Reads who has published what in a subnet since a time, and who takes what. Resolves with whether that was all. */
export async function readSeen(hub: OpenServer, seen: Seen, options: SeenOptions): Promise<boolean> {
  const { since, onRead, say, maxRead = Number.POSITIVE_INFINITY } = options;
  for await (const durable of seenDurables(hub, say)) seen.durables.push(durable);
  let read = 0;
  for await (const stored of publishedPast(hub, since)) {
    if (read >= maxRead) return false;
    read++;
    onRead?.();
    // A message that is not an event has no component.
    if ("problem" in stored) continue;
    const { name, version, subnet, node } = stored.address;
    const [component = ""] = stored.envelope.source.split("@");
    seen.producers.add(formatEventRef(name, version), component, `${subnet}/${node}`);
  }
  return true;
}

/** The durables of a subnet's members. */
async function* seenDurables(
  { of, jsm }: OpenServer,
  say: (line: string) => void,
): AsyncGenerator<SeenDurable> {
  for await (const { name, config } of jsm.consumers.list(eventsStream(of))) {
    const node = config.metadata?.[DURABLE_METADATA.node];
    const pattern = config.metadata?.[DURABLE_METADATA.pattern];
    const [, durable] = name.split("_");
    if (node === undefined || pattern === undefined || durable === undefined) continue;
    try {
      yield { node: `${of}/${node}`, durable, pattern: parseEventPattern(pattern) };
    } catch (thrown) {
      say(`${of}/${node} ${durable} left out: ${messageOf(thrown)}`);
    }
  }
}
