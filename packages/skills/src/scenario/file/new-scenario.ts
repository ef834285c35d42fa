import { existsSync } from "node:fs";
import { join } from "node:path";
import { shownPath } from "@adaos/config";
import { formatEventRef, MeshError } from "@adaos/core";
import { originTokenProblem, quote } from "@adaos/core/wire";
import type { FileRegistry } from "@adaos/registry";
import { exampleOf, refOf } from "../../new-files.ts";

export interface NewScenario {
  /** Folder of scenarios; each has a folder of its own in it. */
  readonly dir: string;
  readonly name: string;
  /** The event that triggers it; by default a timer does. */
  readonly event?: string | undefined;
  /** The event that it publishes. */
  readonly publish?: string | undefined;
}

/** Files that a new scenario begins with, by their paths. */
export type ScenarioFiles = ReadonlyMap<string, string>;

/** The default event of a new scenario, where the registry has it. */
const USUAL_EVENT = "ui.notify";

/** Plans the files of a new scenario. Throws `usage` where there is one of that name already. */
export function planScenario(
  { dir, name, event, publish }: NewScenario,
  registry: FileRegistry,
): ScenarioFiles {
  const problem = originTokenProblem(name);
  if (problem !== undefined) throw new MeshError("usage", `the scenario's name ${quote(name)} ${problem}`);
  const folder = join(dir, name);
  const ref = publishedRef(registry, publish);
  const awaited = event === undefined ? undefined : refOf(registry, event);
  const files = new Map([
    [join(folder, "scenario.yaml"), scenarioText(name, awaited, ref, exampleOf(registry, ref))],
    [join(folder, "scenario.test.yaml"), casesText(awaited, ref, awaited && exampleOf(registry, awaited))],
  ]);
  for (const path of files.keys()) {
    if (existsSync(path))
      throw new MeshError(
        "usage",
        `${shownPath(path)} exists, and is never overwritten; choose another name`,
      );
  }
  return files;
}

function publishedRef(registry: FileRegistry, publish: string | undefined): string {
  if (publish !== undefined) return refOf(registry, publish);
  const usable = registry.records.filter(({ kind, status }) => kind === "event" && status === "stable");
  const usual = usable.find(({ name }) => name === USUAL_EVENT) ?? usable[0];
  if (usual !== undefined) return formatEventRef(usual.name, usual.version);
  throw new MeshError("usage", "the registry has no stable event to publish; name one with --publish");
}

function scenarioText(name: string, event: string | undefined, publish: string, data: unknown): string {
  const trigger =
    event === undefined ? 'cron: "0 7 * * mon-fri" # in UTC, unless zone: says another' : `event: ${event}`;
  return `# Check it with "adaos scenario check", and run its cases with "adaos scenario test".
description: What ${name} is for, in one sentence.
mode: single # a trigger while it runs starts nothing; or restart, queued, parallel
triggers:
  - ${trigger}
effects:
  - publish: ${publish}
    data: ${flow(data)}
`;
}

function casesText(event: string | undefined, publish: string, data: unknown): string {
  if (event === undefined)
    return `start: 2026-01-05T06:59 # a Monday
cases:
  - name: publishes at seven
    expect:
      - { at: 1m, publish: ${publish} }
`;
  return `cases:
  - name: publishes after ${event}
    given:
      - { at: 0s, event: ${event}, data: ${flow(data)} }
    expect:
      - { at: 0s, publish: ${publish} }
`;
}

/** JSON is YAML; an expression in the example would be evaluated. */
function flow(data: unknown): string {
  return JSON.stringify(data).replaceAll("${", "$$${");
}
