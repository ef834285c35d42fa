import { type Envelope, parseEventRef, type SchemaRegistry } from "@adaos/core";
import { eventIdAt, messageOf } from "@adaos/core/wire";
import { isObject } from "@adaos/json-schema";
import type { Scenario } from "../engine/compile.ts";
import type { Effect } from "../engine/state.ts";
import type { Expected, Given, Reply, ScenarioCase, ScenarioCases } from "./case-file.ts";
import { type Simulated, simulate, type TimedInput } from "./simulate.ts";
import { sinceStart, timelineOf } from "./timeline.ts";

/** The result of one case. */
export interface CaseResult {
  readonly name: string;
  readonly place: string;
  /** With the place of each; empty when the case holds. */
  readonly problems: readonly string[];
  /** What has happened, a line each. */
  readonly timeline: readonly string[];
}

/** Runs the case at an index on a virtual clock. Data is checked by the registry, on both sides. Pure. */
export function runScenarioCase(
  scenario: Scenario,
  file: ScenarioCases,
  index: number,
  registry: SchemaRegistry,
): CaseResult {
  const one = file.cases[index] as ScenarioCase;
  const path = ["cases", index];
  const problems: string[] = [];
  const report = (at: readonly PropertyKey[], message: string): void => {
    problems.push(`${file.placeOf([...path, ...at])} ${message}`);
  };
  const inputs = one.given.map((given, i): TimedInput => {
    const atMs = file.timeOf(given.at);
    const event = envelopeOf(given, i, atMs, registry, (message) => report(["given", i], message));
    const { run } = given;
    return { atMs, input: run === undefined ? { kind: "event", event } : { kind: "run", event, data: run } };
  });
  const times = [...one.given, ...one.expect].flatMap(({ at }) =>
    at === undefined ? [] : [file.timeOf(at)],
  );
  const untilMs = one.until === undefined ? Math.max(file.startMs, ...times) : file.timeOf(one.until);
  const happened = simulate(scenario, {
    startMs: file.startMs,
    untilMs,
    inputs,
    answer: answerer(one.replies),
  });
  for (const { effect } of happened.effects) {
    const problem = dataProblem(effect.event, effect.data, registry);
    if (problem !== undefined) report(["expect"], `${effect.step} ${problem}`);
  }
  compareEffects(one.expect, happened, file, report);
  compareOthers(one.expect, happened, file, report);
  const timeline = timelineOf(inputs, happened, file.startMs);
  return { name: one.name, place: file.placeOf(path), problems, timeline };
}

type Report = (at: readonly PropertyKey[], message: string) => void;

function envelopeOf(
  { event = "scenario.run", data, run }: Given,
  index: number,
  atMs: number,
  registry: SchemaRegistry,
  report: (message: string) => void,
): Envelope {
  const ref = parseEventRef(event);
  if (run === undefined) {
    const problem = dataProblem(event, data ?? {}, registry);
    if (problem !== undefined) report(problem);
  }
  const id = eventIdAt(atMs, index.toString(16).padStart(12, "0"));
  return {
    event_id: id,
    event_name: ref.name,
    version: ref.version ?? versionOf(ref.name, registry),
    kind: "event",
    ts: new Date(atMs).toISOString(),
    source: "test@member",
    correlation_id: id,
    tenant: "default",
    headers: {},
    data: data ?? {},
  };
}

function versionOf(name: string, registry: SchemaRegistry): number {
  try {
    return registry.resolve(name).version;
  } catch {
    return 1;
  }
}

function dataProblem(event: string, data: unknown, registry: SchemaRegistry): string | undefined {
  try {
    const { name, version } = parseEventRef(event);
    const [violation] = registry.resolve(name, version).validate(data).violations;
    return violation === undefined ? undefined : `data${violation.pointer} of ${event} ${violation.expected}`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** Replies in their order for each command; the last of a command is its reply from then on. */
function answerer(replies: readonly Reply[]): Parameters<typeof simulate>[1]["answer"] {
  const left = new Map<string, Reply[]>();
  for (const reply of replies) {
    const { name } = parseEventRef(reply.request);
    left.set(name, [...(left.get(name) ?? []), reply]);
  }
  return ({ kind, event }) => {
    if (kind === "publish") return { afterMs: 0, ok: true };
    const known = left.get(parseEventRef(event).name) ?? [];
    const reply = known.length > 1 ? known.shift() : known[0];
    if (reply === undefined) return undefined;
    const { after: afterMs, data, error } = reply;
    return error === undefined ? { afterMs, ok: true, data: data ?? {} } : { afterMs, ok: false, error };
  };
}

/** Each effect must be expected, in order. */
function compareEffects(
  expect: readonly Expected[],
  { effects }: Simulated,
  file: ScenarioCases,
  report: Report,
): void {
  const wanted = expect.flatMap((one, i) =>
    one.publish === undefined && one.request === undefined ? [] : [{ one, i }],
  );
  for (const [n, { one, i }] of wanted.entries()) {
    const found = effects[n];
    const what = `${one.publish === undefined ? "request" : "publish"} ${one.publish ?? one.request}`;
    if (found === undefined) {
      report(["expect", i], `expected ${what}, but nothing more happens`);
      continue;
    }
    const when = sinceStart(found.atMs, file.startMs);
    const { effect } = found;
    if (!isNamed(one, effect))
      report(["expect", i], `expected ${what}, is ${effect.kind} ${effect.event} at ${when}`);
    else if (one.at !== undefined && file.timeOf(one.at) !== found.atMs)
      report(["expect", i, "at"], `expected ${what} at ${one.at}, is at ${when}`);
    else {
      const difference = differenceOf(one.data, effect.data, "data");
      if (difference !== undefined) report(["expect", i], `${what} at ${when}: ${difference}`);
    }
  }
  for (const { atMs, effect } of effects.slice(wanted.length))
    report(
      ["expect"],
      `also does ${effect.kind} ${effect.event} at ${sinceStart(atMs, file.startMs)}, which is not expected`,
    );
}

function isNamed({ publish, request }: Expected, { kind, event }: Effect): boolean {
  const wanted = parseEventRef(publish ?? request ?? "");
  const is = parseEventRef(event);
  const isVersion = wanted.version === undefined || is.version === undefined || wanted.version === is.version;
  return (publish === undefined ? "request" : "publish") === kind && wanted.name === is.name && isVersion;
}

/** Ends of runs, and triggers without a run: each expected one must have been. */
function compareOthers(
  expect: readonly Expected[],
  { ended, skips }: Simulated,
  file: ScenarioCases,
  report: Report,
): void {
  for (const [i, { at, nothing, outcome }] of expect.entries()) {
    const isAt = (ms: number | undefined): boolean => at === undefined || file.timeOf(at) === ms;
    const when = at === undefined ? "" : ` at ${at}`;
    if (nothing !== undefined && !skips.some(({ cause, atMs }) => cause === nothing && isAt(atMs))) {
      const others = skips.filter(({ atMs }) => isAt(atMs)).map(({ cause }) => cause);
      const is =
        others.length === 0 ? "no trigger was without a run" : `it was because of ${others.join(", ")}`;
      report(["expect", i], `expected nothing because of ${nothing}${when}; ${is}`);
    }
    if (outcome !== undefined && !ended.some((run) => run.outcome === outcome && isAt(run.endedMs))) {
      const others = ended.map((run) => `${run.outcome} at ${sinceStart(run.endedMs ?? 0, file.startMs)}`);
      const is = others.length === 0 ? "no run ended" : `there is ${others.join(", ")}`;
      report(["expect", i], `expected a run that ends ${outcome}${when}; ${is}`);
    }
  }
}

/** The first expected field that is missing or different. */
function differenceOf(wanted: unknown, is: unknown, at: string): string | undefined {
  if (wanted === undefined) return undefined;
  if (isObject(wanted) && isObject(is)) {
    for (const [key, value] of Object.entries(wanted)) {
      const difference = differenceOf(value, Object.hasOwn(is, key) ? is[key] : undefined, `${at}.${key}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  if (Array.isArray(wanted) && Array.isArray(is) && wanted.length === is.length)
    return wanted.map((one, i) => differenceOf(one, is[i], `${at}[${i}]`)).find((one) => one !== undefined);
  if (Object.is(wanted, is)) return undefined;
  return `${at} must be ${JSON.stringify(wanted)}, is ${is === undefined ? "missing" : JSON.stringify(is)}`;
}
