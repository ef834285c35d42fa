import { MeshError } from "@adaos/core";
import type { Signatures } from "@adaos/core/wire";
import { DeadLetterQueue } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import type { FailureFilter } from "../stored/failure-filter.ts";
import { deadLetters, foundLetters, type KeptDeadLetter } from "./dead-letters.ts";
import { inFlight } from "./in-flight.ts";
import { type LetterReplay, replayLetters } from "./replay-letters.ts";

/** A change of many dead letters: they are given to their handlers again, or deleted for good. */
export interface LetterChange extends LetterReplay {
  readonly kind: "replay" | "purge";
  /** Where to look; `isMeant` decides. */
  readonly filter: FailureFilter;
}

/** Letters that are deleted at a time: they share disk syncs. */
const MAX_IN_FLIGHT = 256;

/** Changes the dead letters of one subnet. A failure of some lets the others go on. */
export async function changeLetters(
  hub: OpenServer,
  signatures: Signatures,
  change: LetterChange,
): Promise<void> {
  const queue = new DeadLetterQueue(hub.of, hub.connection, hub.jsm, signatures);
  try {
    if (change.kind === "replay") await replayLetters(foundLetters(hub, change.filter), queue, change);
    else await purgeLetters(deadLetters(hub, change.filter), queue, change);
  } finally {
    await queue.close();
  }
}

async function purgeLetters(
  letters: AsyncIterable<KeptDeadLetter>,
  queue: Pick<DeadLetterQueue, "remove">,
  { isMeant, onEnd, signal, perSecond }: LetterChange,
): Promise<void> {
  async function* meant(): AsyncGenerator<KeptDeadLetter> {
    for await (const letter of letters) {
      if (signal?.aborted === true) return;
      if (isMeant(letter)) yield letter;
    }
  }
  await inFlight(meant(), { maxInFlight: MAX_IN_FLIGHT, perSecond }, (letter) =>
    queue.remove(letter).then(
      () => onEnd(letter),
      (thrown: unknown) => onEnd(letter, MeshError.from(thrown, "unavailable", "not done")),
    ),
  );
}

/** What a change will be made to: counted before the operator is asked. */
export class LetterCount {
  /** How many are meant, of how many that the filters match. */
  count = 0;
  all = 0;
  permanent = 0;
  /** The subnets that the letters belong to. */
  readonly subnets: Set<string> = new Set();
  /** The last place in each stream; later dead letters are excluded. */
  readonly #last = new Map<string, number>();
  readonly #isMeant: (letter: KeptDeadLetter) => boolean;

  constructor(isMeant: (letter: KeptDeadLetter) => boolean) {
    this.#isMeant = isMeant;
  }

  add(letter: KeptDeadLetter): void {
    this.all++;
    if (!this.#isMeant(letter)) return;
    this.count++;
    if (letter.entry.category === "permanent") this.permanent++;
    this.subnets.add(letter.subnet);
    this.#last.set(letter.stream, Math.max(letter.kept, this.#last.get(letter.stream) ?? 0));
  }

  /** Whether a letter is meant, and was there to be counted. */
  includes(letter: KeptDeadLetter): boolean {
    return letter.kept <= (this.#last.get(letter.stream) ?? 0) && this.#isMeant(letter);
  }
}
