import {
  hubServers,
  type KeptDeadLetter,
  matchingLetters,
  type OpenServer,
  readReplays,
  StoredReplays,
  withEach,
} from "@adaos/operations";
import type { Away } from "../../api/letters.ts";
import type { ViewerContext } from "../../http/route.ts";
import { type ListFilter, letterFilter } from "./filter.ts";

/** What is called for each hub and each letter of a look. */
interface Look {
  readonly hub?: (hub: OpenServer) => Promise<void>;
  readonly letter: (letter: KeptDeadLetter, replays: StoredReplays) => void;
  /** Whether enough was read. */
  readonly isEnough?: () => boolean;
  /** Replays are needed though the filter does not ask for them. */
  readonly withReplays?: boolean;
}

/** Reads the letters that a filter matches, at each hub that answers. Resolves with those that do not. */
export async function eachLetter(context: ViewerContext, filter: ListFilter, look: Look): Promise<Away[]> {
  const wanted = letterFilter(filter);
  const { replayed } = filter;
  const isAsked = replayed === "yes" || replayed === "no";
  const away = await withEach(hubServers(context.layout(), filter.at), async (hub) => {
    await look.hub?.(hub);
    const replays = isAsked || look.withReplays === true ? await readReplays(hub) : new StoredReplays();
    for await (const letter of matchingLetters(hub, wanted)) {
      if (look.isEnough?.() === true) return;
      if (!isAsked || replays.has(letter.entry) === (replayed === "yes")) look.letter(letter, replays);
    }
  });
  return away.map(({ of, reason }) => ({ of, reason }));
}
