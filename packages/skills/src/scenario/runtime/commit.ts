import { type Documents, type DocumentWrite, MAX_DOCUMENT_WRITES } from "@adaos/core/wire";
import type { Scenario } from "../engine/compile.ts";
import type { Effect, Run, TriggerState } from "../engine/state.ts";
import type { Room } from "./room.ts";
import { runKey, type StoredTriggers, stateKey } from "./stored-scenario.ts";

const MAX_BYTES = 1024 * 1024;
const MIN_BYTES = 16 * 1024;

/**
 * How much is written together. A server gives up a batch that takes more than two seconds, as a large one does on a
 * slow line: after a failure less is tried.
 */
export class Portion {
  #maxBytes = MAX_BYTES;

  get maxBytes(): number {
    return this.#maxBytes;
  }

  failed(): void {
    this.#maxBytes = Math.max(MIN_BYTES, this.#maxBytes / 4);
  }

  stored(): void {
    this.#maxBytes = Math.min(MAX_BYTES, this.#maxBytes * 2);
  }
}

/** What a number of inputs has changed, stored together; their effects are done afterwards. */
export class Commit {
  readonly runs: Map<string, Run> = new Map();
  /** Documents of runs that nobody needs any more. */
  readonly removed: Set<string> = new Set();
  readonly effects: Effect[] = [];
  readonly ended: Run[] = [];
  readonly done: Promise<void>;
  #resolve!: () => void;
  #reject!: (reason: unknown) => void;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // An input without a waiting caller, such as a clock's, is given again after a failure.
    this.done.catch(() => undefined);
  }

  resolve(): void {
    this.#resolve();
  }

  reject(reason: unknown): void {
    this.#reject(reason);
  }
}

/** What a scenario has beside the changes of a commit. */
export interface CommitContext {
  readonly triggers: TriggerState;
  readonly unrecorded: Iterable<string>;
  readonly patterns: readonly string[];
  /** The number of each document, by its key. */
  readonly seqs: ReadonlyMap<string, number>;
  readonly room: Room;
  readonly portion: Portion;
}

/**
 * Stores a commit. Resolves with the new numbers of its documents by key, undefined for removed ones; or with undefined
 * where another process has changed them. The triggers come last: they are the truth about the runs.
 */
export async function storeCommit(
  documents: Documents,
  { name: scenario, hash }: Scenario,
  { runs, removed }: Commit,
  { triggers, unrecorded, patterns, seqs, room, portion }: CommitContext,
): Promise<ReadonlyMap<string, number | undefined> | undefined> {
  const state: StoredTriggers = { v: 1, triggers, unrecorded: [...unrecorded], hash, patterns, asked: [] };
  const writes: DocumentWrite[] = [...runs.values()].map((run) => {
    const key = runKey(scenario, run.id);
    // One that is new here may be there from an attempt whose triggers were not stored: it is written over.
    return { key, text: JSON.stringify(run), seq: seqs.get(key) };
  });
  for (const id of removed) {
    const key = runKey(scenario, id);
    if (!runs.has(id)) writes.push({ key, text: undefined, seq: seqs.get(key) });
  }
  const key = stateKey(scenario);
  writes.push({ key, text: JSON.stringify(state), seq: seqs.get(key) ?? 0 });
  const stored = new Map<string, number | undefined>();
  for (const together of portions(writes, portion.maxBytes)) {
    const written = await documents.write(together);
    if (written === undefined) return undefined;
    for (const write of together) room.note(write.key, Buffer.byteLength(write.text ?? ""));
    for (const [i, write] of together.entries())
      stored.set(write.key, write.text === undefined ? undefined : written[i]);
  }
  return stored;
}

/** Writes in their order, in portions that are written together. Pure. */
function portions(writes: readonly DocumentWrite[], maxBytes: number): DocumentWrite[][] {
  const all: DocumentWrite[][] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = Buffer.byteLength(write.text ?? "");
    const last = all.at(-1);
    if (last === undefined || last.length >= MAX_DOCUMENT_WRITES || bytes + size > maxBytes) {
      all.push([write]);
      bytes = size;
    } else {
      last.push(write);
      bytes += size;
    }
  }
  return all;
}
