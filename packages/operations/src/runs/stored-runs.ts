import { MeshError } from "@adaos/core";
import {
  documentSubject,
  failedRunsStream,
  originTokenProblem,
  parseRunSubject,
  quote,
  runRecordSubject,
  runRecordsStream,
  runsStream,
  STATE_WORD,
} from "@adaos/core/wire";
import type { Run, SkipRecord, StoredTriggers } from "@adaos/skills";
import { type StoredMessage, storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { type ReadStored, readRun, readSkips, readState } from "./stored-shapes.ts";

/** The name of a scenario in a mesh: `alpha/kitchen/heating`. */
export interface ScenarioName {
  readonly subnet: string;
  readonly node: string;
  readonly scenario: string;
}

/** Parses `alpha/kitchen/heating`. Throws `usage`. */
export function parseScenarioName(text: string): ScenarioName {
  const [subnet = "", node = "", scenario = "", ...rest] = text.split("/");
  if (rest.length > 0 || [subnet, node, scenario].some((part) => originTokenProblem(part) !== undefined))
    throw new MeshError("usage", `${quote(text)} names no scenario; write subnet/node/scenario`);
  return { subnet, node, scenario };
}

/** `alpha/kitchen/heating` */
export function formatScenarioName({ subnet, node, scenario }: ScenarioName): string {
  return `${subnet}/${node}/${scenario}`;
}

/** Which scenarios of a subnet; a name that is left out means any. */
export interface ScenarioFilter {
  readonly node?: string | undefined;
  readonly scenario?: string | undefined;
  /** Of records: only those that were stored since. */
  readonly storedSinceMs?: number | undefined;
}

/** A scenario as its member has stored it last. */
export interface StoredScenarioState extends StoredTriggers {
  readonly name: ScenarioName;
  /** RFC 3339. */
  readonly storedAt: string;
}

/** Something of a scenario, and where it belongs. */
export interface OfScenario<T> {
  readonly name: ScenarioName;
  readonly value: T;
}

/** The scenarios of a subnet that a member has run at some time. */
export async function* scenarioStates(
  hub: OpenServer,
  filter: ScenarioFilter,
): AsyncGenerator<StoredScenarioState> {
  const subject = documentSubject(whose(hub, filter), `${any(filter)}.${STATE_WORD}`);
  for await (const { name, value, message } of parsedOf(hub, runsStream(hub.of), subject, readState))
    yield { ...value, name, storedAt: message.storedAt };
}

/**
 * The runs of a subnet that have not ended, or whose end is not told yet. A server that was killed may bring back
 * documents of runs that are long over: the scenario's own document says which count.
 */
export async function* activeRuns(hub: OpenServer, filter: ScenarioFilter): AsyncGenerator<OfScenario<Run>> {
  const named = new Set<string>();
  for await (const { name, triggers, unrecorded } of scenarioStates(hub, filter))
    for (const id of [...triggers.active.map(({ runId }) => runId), ...unrecorded])
      named.add(placeOf(name, id));
  const subject = documentSubject(whose(hub, filter), `${any(filter)}.*`);
  for await (const { name, value, word } of parsedOf(hub, runsStream(hub.of), subject, readRun))
    if (named.has(placeOf(name, word))) yield { name, value };
}

/** A run by its id, under way or waiting to begin. */
export interface NamedRun {
  readonly name: ScenarioName;
  readonly id: string;
}

/** Runs that can be cancelled: those that wait for their turn come first, or they would begin when others end. */
export async function* unendedRuns(hub: OpenServer, filter: ScenarioFilter): AsyncGenerator<NamedRun> {
  for await (const { name, triggers } of scenarioStates(hub, filter)) {
    const { waiting, debounced, active } = triggers;
    for (const { runId: id } of [...waiting, ...debounced, ...active]) yield { name, id };
  }
}

/** The records of runs that have ended, each once, oldest first among those that ended well and those that did not. */
export async function* endedRuns(
  hub: OpenServer,
  filter: ScenarioFilter & { readonly isFailed?: boolean | undefined },
): AsyncGenerator<OfScenario<Run>> {
  const seen = new Set<string>();
  const from = [
    ...(filter.isFailed === true ? [] : [["ok", runRecordsStream(hub.of)] as const]),
    ...(filter.isFailed === false ? [] : [["failed", failedRunsStream(hub.of)] as const]),
  ];
  for (const [kind, stream] of from) {
    const subject = runRecordSubject(whose(hub, filter), any(filter), kind);
    for await (const { name, value } of parsedOf(hub, stream, subject, readRun, filter.storedSinceMs)) {
      // A process that was killed before it knew of the record has stored it again.
      const place = placeOf(name, value.id);
      if (seen.has(place)) continue;
      seen.add(place);
      yield { name, value };
    }
  }
}

/** What did not run, oldest first. */
export async function* skippedRuns(
  hub: OpenServer,
  filter: ScenarioFilter,
): AsyncGenerator<OfScenario<SkipRecord>> {
  const subject = runRecordSubject(whose(hub, filter), any(filter), "skipped");
  for await (const { name, value } of parsedOf(
    hub,
    runRecordsStream(hub.of),
    subject,
    readSkips,
    filter.storedSinceMs,
  ))
    yield { name, value };
}

function whose({ of }: OpenServer, { node = "*" }: ScenarioFilter) {
  return { subnet: of, node };
}

function any({ scenario = "*" }: ScenarioFilter): string {
  return scenario;
}

/** A run of a scenario: another member may write the same id. */
function placeOf(name: ScenarioName, id: string): string {
  return `${formatScenarioName(name)}/${id}`;
}

/** The documents or records of these subjects, parsed. Those that cannot be read are left out. */
export async function* parsedOf<T>(
  { of, connection }: OpenServer,
  stream: string,
  subject: string,
  read: ReadStored<T>,
  sinceMs?: number,
): AsyncGenerator<OfScenario<T> & { readonly word: string; readonly message: StoredMessage }> {
  const from = sinceMs === undefined ? { seq: 1 } : { time: new Date(sinceMs) };
  for await (const message of storedMessages(connection, stream, subject, from)) {
    const place = parseRunSubject(message.subject);
    // An empty one was removed a moment ago.
    if (place === undefined || message.body.length === 0) continue;
    const { node, scenario, word } = place;
    const value = read(message.body);
    if (value !== undefined) yield { name: { subnet: of, node, scenario }, value, word, message };
  }
}
