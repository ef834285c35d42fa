import { MeshError } from "@adaos/core";
import { messageOf, parkedStream, replayOf, type Signatures } from "@adaos/core/wire";
import type { KeptDeadLetter } from "./dead-letters.ts";
import { keyOfReplay, type StoredReplays } from "./replayed-letters.ts";

/** One letter of a plan, told from every other: a place is never used again, and the id tells a stream made anew. */
export interface PlannedLetter {
  readonly subnet: string;
  readonly stream: string;
  /** Its place in that stream. */
  readonly kept: number;
  readonly letterId: string;
  /** Names its replay, see `keyOfReplay()`; empty where it has none. */
  readonly replayKey: string;
  /** `beta/desk` */
  readonly node: string;
  readonly durable: string;
}

/** Why letters cannot be replayed, and how many. */
export interface Refused {
  readonly reason: string;
  readonly count: number;
}

/** The facts that a plan is made with. */
export interface PlanFacts {
  readonly kind: "replay" | "purge";
  readonly signatures: Signatures;
  /** The replays that the streams hold. */
  readonly replays: Pick<StoredReplays, "has">;
  /** `beta/desk screen`: the durables that exist. */
  readonly durables: ReadonlySet<string>;
  /** A plan is kept in memory and on disk. */
  readonly maxLetters: number;
}

/** Lists what a replay or a purge would change, letter by letter. Does no I/O. */
export class LetterPlan {
  readonly letters: PlannedLetter[] = [];
  /** All that were asked for, those that cannot be replayed included. */
  matched = 0;
  /** Those of the plan whose event is stored already: they are only taken off the list. */
  replayed = 0;
  /** Those of the plan that time does not cure. */
  permanent = 0;
  /** Those of the plan whose durable is gone: nobody would handle them. */
  orphaned = 0;
  readonly #refused = new Map<string, number>();
  readonly #facts: PlanFacts;

  constructor(facts: PlanFacts) {
    this.#facts = facts;
  }

  /** Throws `too-large` when these are more than a plan holds. */
  add({ subnet, stream, kept, entry }: KeptDeadLetter): void {
    const { kind, maxLetters, replays, durables } = this.#facts;
    this.matched++;
    const problem = kind === "replay" ? this.#problemOf(entry) : undefined;
    if (problem !== undefined) {
      this.#refused.set(problem, (this.#refused.get(problem) ?? 0) + 1);
      return;
    }
    if (this.letters.length >= maxLetters)
      throw new MeshError("too-large", `more than ${maxLetters} letters match; narrow them by time or event`);
    const { node, durable, dead_letter_id: letterId } = entry;
    const replayKey = keyOfReplay(entry) ?? "";
    this.letters.push({ subnet, stream, kept, letterId, replayKey, node, durable });
    if (replays.has(entry)) this.replayed++;
    if (entry.category === "permanent") this.permanent++;
    if (!durables.has(`${node} ${durable}`)) this.orphaned++;
  }

  /** The most frequent first. */
  refused(): Refused[] {
    return [...this.#refused].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
  }

  #problemOf(entry: KeptDeadLetter["entry"]): string | undefined {
    if (entry.kind === "run") return "it is of a run, and only its program can repeat that";
    try {
      replayOf(entry, this.#facts.signatures);
      return undefined;
    } catch (thrown) {
      const { code } = MeshError.from(thrown, "invalid-event", "it holds no event");
      if (code === "denied") return "its event is not signed by its subnet";
      return code === "invalid-event" ? "it holds no event that can be read" : messageOf(thrown);
    }
  }
}

/** The short name of a place: `beta/17`, or `beta/parked-3` of an event that waits for its schema. Pure. */
export function letterPlace({
  subnet,
  stream,
  kept,
}: Pick<KeptDeadLetter, "subnet" | "stream" | "kept">): string {
  return `${subnet}/${stream === parkedStream(subnet) ? "parked-" : ""}${kept}`;
}
