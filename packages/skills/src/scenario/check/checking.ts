import { type EventPattern, type Policy, parseEventPattern, parseEventRef } from "@adaos/core";
import { messageOf, type NodeAddress } from "@adaos/core/wire";
import type { FileRegistry } from "@adaos/registry";
import { ExpressionError } from "../cel/expression-error.ts";
import { parseTemplate } from "../cel/template.ts";
import type { ScenarioFile, ScenarioProblem } from "../file/read-scenario.ts";
import { checkCondition, checkExpression, guardsOf, type Known, type Meaning } from "./check-expression.ts";
import { ANY, dataShape, fixed, plain, type Shape } from "./shapes.ts";

/** What scenarios are checked against. */
export interface ScenarioContext {
  readonly registry: FileRegistry;
  /** The policy, and the member that runs them; without it policy is not asked. */
  readonly rights?: { readonly policy: Policy; readonly as: NodeAddress } | undefined;
}

export type Path = readonly PropertyKey[];

/** An event of the registry. */
export interface KnownEvent {
  readonly name: string;
  readonly version: number;
}

const TIMESTAMP = "google.protobuf.Timestamp";
const TEXT = plain("string");

/** The check of one scenario while it goes on: asks registry and policy, and collects problems. */
export class Checking {
  readonly file: ScenarioFile;
  readonly context: ScenarioContext;
  readonly problems: ScenarioProblem[] = [];

  constructor(file: ScenarioFile, context: ScenarioContext) {
    this.file = file;
    this.context = context;
  }

  error(path: Path, message: string, offset?: number): void {
    this.problems.push(this.file.problemAt(path, message, offset === undefined ? {} : { offset }));
  }

  warn(path: Path, message: string, offset = 0): void {
    this.problems.push(this.file.problemAt(path, message, { severity: "warning", offset }));
  }

  condition(path: Path, text: string | undefined, known: Known): void {
    if (text === undefined) return;
    for (const finding of checkCondition(text, known)) this.#add(path, finding, 0);
  }

  /** The type of an expression's value in CEL. */
  expression(path: Path, text: string, known: Known, offset = 0): string {
    const { findings, type } = checkExpression(text, known);
    for (const finding of findings) this.#add(path, finding, offset);
    return type;
  }

  /** A text that may have `${}`; returns the type of its value, undefined where it has none. */
  template(path: Path, text: string, known: Known): string | undefined {
    try {
      const { parts } = parseTemplate(text);
      const types = parts.flatMap((part) =>
        typeof part === "string" ? [] : [this.expression(path, part.text, known, part.offset)],
      );
      if (types.length === 0) return undefined;
      return parts.length === 1 ? types[0] : "string";
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      this.error(path, thrown.message, thrown.offset);
      return "dyn";
    }
  }

  #add(path: Path, finding: { severity: string; message: string; offset: number }, offset: number): void {
    const at = finding.offset + offset;
    if (finding.severity === "error") this.error(path, finding.message, at);
    else this.warn(path, finding.message, at);
  }

  /** The event of a publish or request; undefined, with a problem, where there is none that may be used. */
  published(path: Path, text: string, verb: "publish" | "request"): KnownEvent | undefined {
    try {
      const ref = parseEventRef(text);
      const { registry, rights } = this.context;
      const contract = registry.resolve(ref.name, ref.version);
      const { name, version, kind } = contract;
      if (contract.deprecated !== undefined) this.warn(path, `${name}@${version} is deprecated`);
      if (kind === "reply") this.error(path, `${name} is a reply, which only handlers give`);
      if (verb === "request" && kind === "event")
        this.error(path, `${name} is no command, so nobody replies; publish it instead`);
      if (rights !== undefined) {
        const { subnet, node } = rights.as;
        const { allowed, rule } = rights.policy.decide({ verb: "publish", subnet, node }, name, version);
        if (!allowed)
          this.error(
            path,
            `policy does not let ${subnet}/${node} publish ${name} (rule ${rule}); allow it in the mesh file`,
          );
      }
      return { name, version };
    } catch (thrown) {
      this.error(path, messageOf(thrown));
      return undefined;
    }
  }

  /** The events of a trigger or wait, and what their data may be. */
  awaited(path: Path, text: string): Meaning[] {
    const pattern = parseEventPattern(text);
    this.#maySubscribe(path, pattern);
    if (pattern.kind !== "name") {
      const isUsed = this.context.registry.records.some(({ name }) => name.startsWith(pattern.stem));
      if (!isUsed) this.error(path, `the registry has no event of ${text}`);
      return [{ by: text, shape: eventShape(ANY) }];
    }
    try {
      const { registry } = this.context;
      const { name, version, deprecated } = registry.resolve(pattern.stem, pattern.version);
      if (deprecated !== undefined) this.warn(path, `${name}@${version} is deprecated`);
      return [{ by: `${name}@${version}`, shape: eventShape(dataShape(registry, name, version)) }];
    } catch (thrown) {
      this.error(path, messageOf(thrown));
      return [{ by: text, shape: eventShape(ANY) }];
    }
  }

  #maySubscribe(path: Path, pattern: EventPattern): void {
    const { rights } = this.context;
    if (rights === undefined) return;
    const { subnet, node } = rights.as;
    const { allowed, rule } = rights.policy.decidePattern({ verb: "subscribe", subnet, node }, pattern);
    if (!allowed)
      this.error(
        path,
        `policy does not let ${subnet}/${node} subscribe to ${pattern.text} (rule ${rule}); allow it in the mesh file`,
      );
  }
}

/** An envelope with this data. */
export function eventShape(data: Shape): Shape {
  return fixed({
    event_id: TEXT,
    event_name: TEXT,
    version: plain("double"),
    kind: TEXT,
    ts: TEXT,
    source: TEXT,
    correlation_id: TEXT,
    causation_id: TEXT,
    tenant: TEXT,
    headers: ANY,
    data,
  });
}

/** Stands for the event of a timer: it has no data. */
export const TIMER_EVENT: Shape = eventShape(fixed({}));

/** The variables that every expression of a scenario has. */
export function commonVariables(event: readonly Meaning[], present: readonly string[] = []): Known {
  const variables = {
    event,
    trigger: one(fixed({ kind: TEXT, id: TEXT, at: plain(TIMESTAMP) })),
    now: one(plain(TIMESTAMP)),
    scenario: one(fixed({ name: TEXT })),
    key: one(TEXT),
  };
  return { variables, present: new Set(present) };
}

/** Those of effects. */
export function runVariables({ variables, present }: Known, steps: Readonly<Record<string, Shape>>): Known {
  const run = one(fixed({ id: TEXT, started_at: plain(TIMESTAMP) }));
  return { variables: { ...variables, run, steps: one(fixed(steps)) }, present };
}

/** What is known where there is another variable too. */
export function withVariable(known: Known, name: string, meanings: readonly Meaning[]): Known {
  return { ...known, variables: { ...known.variables, [name]: meanings } };
}

/** What is known where this condition is true. */
export function whereTrue(known: Known, condition: string | undefined): Known {
  const guards = guardsOf(condition);
  return guards.length === 0 ? known : { ...known, present: new Set([...known.present, ...guards]) };
}

export function one(shape: Shape): readonly Meaning[] {
  return [{ by: "", shape }];
}
