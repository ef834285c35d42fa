import { MeshError } from "@adaos/core";
import { type Documents, STATE_WORD } from "@adaos/core/wire";
import { newScenarioState, type Run, type ScenarioState, type TriggerState } from "../engine/state.ts";
import type { Asked } from "./asked.ts";

/** The document of a scenario beside those of its runs. */
export interface StoredTriggers {
  readonly v: 1;
  readonly triggers: TriggerState;
  /** Ids of runs that have ended, and whose record and event are not known to be stored. */
  readonly unrecorded: readonly string[];
  /** Of the text that was in force when it was stored. */
  readonly hash: string;
  /** Of the events that its durables hold for it. */
  readonly patterns?: readonly string[];
  readonly asked: readonly Asked[];
}

export function stateKey(scenario: string): string {
  return `${scenario}.${STATE_WORD}`;
}

export function runKey(scenario: string, runId: string): string {
  return `${scenario}.${runId}`;
}

const MAX_ASKED = 50;

/** The document with one more request of an operator. Throws `backpressure` where too many wait. Pure. */
export function withAsked(text: string, asked: Asked): string {
  const state = JSON.parse(text) as StoredTriggers;
  if (state.asked.length >= MAX_ASKED)
    throw new MeshError(
      "backpressure",
      `${MAX_ASKED} requests wait for the member's daemon; start it, or give it the scenario again`,
    );
  return JSON.stringify({ ...state, asked: [...state.asked, asked] } satisfies StoredTriggers);
}

/** A scenario as its documents have it. */
export interface LoadedScenario {
  readonly state: ScenarioState;
  readonly unrecorded: ReadonlyMap<string, Run>;
  readonly asked: readonly Asked[];
  /** Of the text that was in force; undefined where nothing is stored. */
  readonly hash: string | undefined;
  /** The number of each document, by its key. */
  readonly seqs: ReadonlyMap<string, number>;
  readonly bytes: ReadonlyMap<string, number>;
  /** Patterns of the events that it gets, or got until it changed. */
  readonly patterns: readonly string[];
  /** Runs that should be there and are not: whoever keeps the documents has lost them. */
  readonly missing: readonly string[];
}

/** Documents that are read at the same time. */
const MAX_TOGETHER = 16;

const MAX_READS = 10;

/**
 * Reads a scenario and its runs, all of the same moment. Rejects as {@link Documents.read} does, with `internal` where
 * one is damaged, and with `unavailable` where another process writes again and again.
 */
export async function loadScenario(
  documents: Documents,
  scenario: string,
  owner: string,
): Promise<LoadedScenario> {
  for (let i = 0; i < MAX_READS; i++) {
    const loaded = await loadOnce(documents, scenario, owner);
    const key = stateKey(scenario);
    // A run may have been read after a write that its scenario does not know of.
    if ((await documents.read(key))?.seq === loaded.seqs.get(key)) return loaded;
  }
  throw new MeshError("unavailable", `scenario ${scenario} is written by another process all the time`);
}

async function loadOnce(documents: Documents, scenario: string, owner: string): Promise<LoadedScenario> {
  const seqs = new Map<string, number>();
  const bytes = new Map<string, number>();
  const read = async <T>(key: string): Promise<T | undefined> => {
    const stored = await documents.read(key);
    if (stored !== undefined) seqs.set(key, stored.seq);
    if (stored === undefined || stored.text === "") return undefined;
    bytes.set(key, Buffer.byteLength(stored.text));
    return parsed<T>(key, stored.text);
  };
  const stored = await read<StoredTriggers>(stateKey(scenario));
  const empty = newScenarioState(owner);
  if (stored === undefined)
    return {
      state: empty,
      unrecorded: new Map(),
      asked: [],
      hash: undefined,
      seqs,
      bytes,
      patterns: [],
      missing: [],
    };
  const { triggers, unrecorded, asked, hash, patterns = [] } = stored;
  const active = triggers.active.map(({ runId }) => runId);
  const wanted = [...active, ...unrecorded];
  const found = new Map<string, Run>();
  for (let i = 0; i < wanted.length; i += MAX_TOGETHER) {
    const ids = wanted.slice(i, i + MAX_TOGETHER);
    const runs = await Promise.all(ids.map((id) => read<Run>(runKey(scenario, id))));
    for (const run of runs) if (run !== undefined) found.set(run.id, run);
  }
  const runs = [...found];
  return {
    state: { triggers, runs: Object.fromEntries(runs.filter(([, { outcome }]) => outcome === undefined)) },
    unrecorded: new Map(runs.filter(([, { outcome }]) => outcome !== undefined)),
    asked,
    hash,
    seqs,
    bytes,
    patterns,
    missing: active.filter((id) => found.get(id)?.cursor === undefined),
  };
}

function parsed<T>(key: string, text: string): T {
  try {
    const value = JSON.parse(text) as T & { readonly v?: unknown };
    if (value.v === 1) return value;
  } catch (cause) {
    throw new MeshError("internal", `document ${key} cannot be read: it is damaged`, { cause });
  }
  throw new MeshError("internal", `document ${key} is of another version of this program`);
}
