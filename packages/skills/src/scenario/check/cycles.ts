import { parseEventPattern, parseEventRef } from "@adaos/core";
import { patternCovers } from "@adaos/core/wire";
import { isObject } from "@adaos/json-schema";
import type { EffectDefinition } from "../file/definition.ts";
import type { ScenarioFile, ScenarioProblem } from "../file/read-scenario.ts";
import type { Path } from "./checking.ts";

/** An event that a scenario publishes, and where. */
interface Published {
  readonly event: string;
  readonly path: Path;
  /** Of `scenario.run`: the scenario that it names. */
  readonly runs: string | undefined;
}

interface Node {
  readonly file: ScenarioFile;
  readonly published: readonly Published[];
  /** Scenarios that it triggers, by the event that does it. */
  readonly next: Map<Node, Published>;
}

/** Warns of scenarios that trigger each other in a ring, each ring once. Pure. */
export function cyclesAmong(files: readonly ScenarioFile[]): ScenarioProblem[] {
  const nodes = files.map((file): Node => ({ file, published: allPublishedBy(file), next: new Map() }));
  for (const from of nodes) {
    for (const to of nodes) {
      const by = from.published.find((one) => starts(one, to.file));
      if (by !== undefined) from.next.set(to, by);
    }
  }
  const ended = new Set<Node>();
  return nodes.flatMap((node) => ringsFrom(node, [], ended));
}

/** Walks on along the triggers; a node that is on the way already closes a ring. */
function ringsFrom(node: Node, way: readonly Node[], ended: Set<Node>): ScenarioProblem[] {
  const at = way.indexOf(node);
  if (at >= 0) {
    const ring = way.slice(at);
    const last = way.at(-1) as Node;
    const by = last.next.get(node) as Published;
    const names = [...ring, node].map(({ file }) => file.name).join(" -> ");
    const message = `triggers itself: ${names}; runs that cause each other end after 32`;
    return [last.file.problemAt(by.path, message, { severity: "warning", offset: 0 })];
  }
  if (ended.has(node)) return [];
  const found = [...node.next.keys()].flatMap((next) => ringsFrom(next, [...way, node], ended));
  ended.add(node);
  return found;
}

function starts({ event, runs }: Published, { definition, name }: ScenarioFile): boolean {
  if (runs !== undefined && runs === name) return true;
  const { name: published, version } = parseEventRef(event);
  return (definition?.triggers ?? []).some((trigger) => {
    if (!("event" in trigger)) return false;
    const awaited = parseEventPattern(trigger.event);
    if (awaited.kind !== "name" || version === undefined)
      return patternCovers({ ...awaited, version: undefined }, parseEventPattern(published));
    return awaited.stem === published && (awaited.version ?? version) === version;
  });
}

function allPublishedBy({ definition }: ScenarioFile): Published[] {
  return [
    ...publishedBy(definition?.effects ?? [], ["effects"]),
    ...publishedBy(definition?.onError ?? [], ["onError"]),
  ];
}

function publishedBy(effects: readonly EffectDefinition[], path: Path): Published[] {
  return effects.flatMap((effect, i): Published[] => {
    const at = [...path, i];
    const recovering =
      "onError" in effect && effect.onError !== undefined && effect.onError !== "continue"
        ? publishedBy(effect.onError, [...at, "onError"])
        : [];
    return [...publishedIn(effect, at), ...recovering];
  });
}

function publishedIn(effect: EffectDefinition, at: Path): Published[] {
  if ("publish" in effect)
    return [{ event: effect.publish, path: [...at, "publish"], runs: runOf(effect.publish, effect.data) }];
  if ("request" in effect)
    return [{ event: effect.request, path: [...at, "request"], runs: runOf(effect.request, effect.data) }];
  if ("choose" in effect)
    return [
      ...effect.choose.flatMap(({ effects }, i) => publishedBy(effects, [...at, "choose", i, "effects"])),
      ...publishedBy(effect.otherwise ?? [], [...at, "otherwise"]),
    ];
  if ("parallel" in effect)
    return effect.parallel.flatMap((effects, i) => publishedBy(effects, [...at, "parallel", i]));
  return "repeat" in effect ? publishedBy(effect.repeat, [...at, "repeat"]) : [];
}

function runOf(event: string, data: unknown): string | undefined {
  const isRun = parseEventRef(event).name === "scenario.run";
  return isRun && isObject(data) && typeof data["name"] === "string" ? data["name"] : undefined;
}
