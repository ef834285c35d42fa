import { readNodeFile } from "@adaos/config";
import { MeshError } from "@adaos/core";
import {
  DEFAULT_TENANT,
  documentSubject,
  failedRunsStream,
  quote,
  runRecordSubject,
  runRecordsStream,
  runsStream,
} from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";
import { findScenarios, type Run, readScenario, type ScenarioFile, scenarioHash } from "@adaos/skills";
import { storedMessageAt } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { endedRuns, type OfScenario, parsedOf, type ScenarioName } from "./stored-runs.ts";
import { readRun } from "./stored-shapes.ts";

const RUN_ID = /^RUN-\d{8}-\d{6}-[0-9a-f]{12}$/;

/** Throws `usage` unless a text is the id of a run. */
export function assertRunId(text: string): void {
  if (!RUN_ID.test(text))
    throw new MeshError("usage", `${quote(text)} is no id of a run; adaos scenario runs prints them`);
}

/** The document of a run that has not ended, or whose record is not known to be stored. */
export async function findActiveRun(hub: OpenServer, id: string): Promise<OfScenario<Run> | undefined> {
  const subject = documentSubject({ subnet: hub.of, node: "*" }, `*.${id}`);
  for await (const found of parsedOf(hub, runsStream(hub.of), subject, readRun)) return found;
  return undefined;
}

/** A run of a subnet by its id, whether it goes on or has ended. Undefined where its hub has no record of it. */
export async function findRun(hub: OpenServer, id: string): Promise<OfScenario<Run> | undefined> {
  const active = await findActiveRun(hub, id);
  if (active !== undefined) return active;
  for await (const found of endedRuns(hub, {})) if (found.value.id === id) return found;
  return undefined;
}

/** The error for a run of which no hub has a record. Pure. */
export function noSuchRun(id: string): MeshError {
  return new MeshError(
    "usage",
    `no hub has a record of ${id}: it is too old, or of another mesh; adaos scenario runs names those there are`,
  );
}

/** The run of a scenario that has ended last. */
export async function lastRun({ of, connection }: OpenServer, name: ScenarioName): Promise<Run | undefined> {
  const address = { subnet: of, node: name.node };
  const places = [
    [runRecordsStream(of), runRecordSubject(address, name.scenario, "ok")],
    [failedRunsStream(of), runRecordSubject(address, name.scenario, "failed")],
  ] as const;
  const runs = await Promise.all(
    places.map(async ([stream, subject]) => {
      const message = await storedMessageAt(connection, stream, { last_by_subj: subject });
      return message === undefined ? undefined : readRun(message.body);
    }),
  );
  return runs
    .filter((run) => run !== undefined)
    .toSorted((a, b) => (a.endedMs ?? 0) - (b.endedMs ?? 0))
    .at(-1);
}

/** The scenarios in the files of a member on this machine; none where it is on another one. */
export function* scenariosOnThisMachine({ nodes }: Layout, id: string): Generator<ScenarioFile> {
  const member = nodes.find((node) => node.role === "member" && node.id === id);
  if (member === undefined) return;
  const { config, path } = readNodeFile(member.nodeFile, "member");
  for (const one of config.scenarios ?? []) {
    try {
      for (const file of findScenarios([path(one)])) yield readScenario(file);
    } catch (thrown) {
      // A path that is missing: the member's health tells.
      if (!(thrown instanceof MeshError)) throw thrown;
    }
  }
}

/** What a scenario's file says now; undefined where its member, or the file, is not on this machine. */
export function textOnThisMachine(
  layout: Layout,
  { subnet, node, scenario }: ScenarioName,
): string | undefined {
  for (const { name, text } of scenariosOnThisMachine(layout, `${subnet}/${node}`))
    if (name === scenario) return text;
  return undefined;
}

/**
 * The text of a scenario that is in force. Undefined where neither the file on this machine nor a run has it.
 * @param hash Of the text, as its member has stored it.
 * @param textThen Of a run with this hash.
 */
export function textInForce(
  layout: Layout,
  name: ScenarioName,
  hash: string,
  textThen: string | undefined,
): string | undefined {
  if (textThen !== undefined) return textThen;
  const text = textOnThisMachine(layout, name);
  return text !== undefined && scenarioHash(text) === hash ? text : undefined;
}

/** The tenant of a subnet, as its hub's file on this machine has it. */
export function tenantOf({ nodes }: Layout, subnet: string): string {
  const hub = nodes.find(({ id, role }) => role === "hub" && id === `${subnet}/hub`);
  return hub === undefined ? DEFAULT_TENANT : readNodeFile(hub.nodeFile, "hub").config.tenant;
}
