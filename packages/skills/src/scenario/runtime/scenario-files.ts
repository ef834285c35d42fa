import { statSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { checkScenarios } from "../check/check-scenario.ts";
import type { ScenarioContext } from "../check/checking.ts";
import { compileScenario, type Scenario } from "../engine/compile.ts";
import { findScenarios } from "../file/find-scenarios.ts";
import { readScenario, type ScenarioFile, type ScenarioProblem } from "../file/read-scenario.ts";

/** A scenario whose file has errors: it is not taken, and what ran before goes on. */
export interface BrokenScenario {
  readonly scenario: string;
  /** `scenarios/heating/scenario.yaml:3:5 …` */
  readonly errors: readonly string[];
}

/** What paths have now: scenarios that may run, and why others may not. */
export interface FoundScenarios {
  readonly scenarios: readonly Scenario[];
  /** `scenarios/heating/scenario.yaml:3:5 …`, one for each problem; warnings too. */
  readonly errors: readonly string[];
  /** The errors by scenario; those of a path that is missing are of none. */
  readonly broken: readonly BrokenScenario[];
  readonly warnings: readonly string[];
}

/** The scenarios of some paths, looked at again and again. One that has become wrong stays as it was. */
export class ScenarioFiles {
  readonly #paths: readonly string[];
  #seen: string | undefined;
  #good = new Map<string, Scenario>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /**
   * Undefined where nothing has changed since the last look.
   * @param isAnyway Registry or policy have changed: everything is checked again.
   */
  look(context: ScenarioContext, isAnyway: boolean): FoundScenarios | undefined {
    const missing: string[] = [];
    const files = this.#paths.flatMap((path) => {
      try {
        return findScenarios([path]);
      } catch (thrown) {
        missing.push(messageOf(thrown));
        return [];
      }
    });
    const seen = JSON.stringify([missing, files.map(stampOf)]);
    if (seen === this.#seen && !isAnyway) return undefined;
    this.#seen = seen;
    return this.#read([...new Set(files)], missing, context);
  }

  #read(paths: readonly string[], missing: readonly string[], context: ScenarioContext): FoundScenarios {
    const errors = [...missing];
    const warnings: string[] = [];
    const files = paths.flatMap((path): ScenarioFile[] => {
      try {
        return [readScenario(path)];
      } catch (thrown) {
        errors.push(messageOf(thrown));
        return [];
      }
    });
    const problems = checkScenarios(files, context);
    for (const problem of problems) (problem.severity === "error" ? errors : warnings).push(lineOf(problem));
    const broken = files.flatMap(({ file, name }) => {
      const own = problems.filter((one) => one.severity === "error" && one.file === file).map(lineOf);
      return own.length === 0 ? [] : [{ scenario: name, errors: own }];
    });
    const wrong = new Set(problems.filter(({ severity }) => severity === "error").map(({ file }) => file));
    const good = new Map<string, Scenario>();
    for (const { file, name, text } of files) {
      const before = this.#good.get(name);
      const now = wrong.has(file) ? before : compiled(name, text, errors);
      if (now !== undefined && !good.has(name)) good.set(name, now);
    }
    this.#good = good;
    return { scenarios: [...good.values()], errors, broken, warnings };
  }
}

function compiled(name: string, text: string, errors: string[]): Scenario | undefined {
  try {
    return compileScenario(name, text);
  } catch (thrown) {
    if (!(thrown instanceof MeshError)) throw thrown;
    errors.push(thrown.message);
    return undefined;
  }
}

function lineOf({ file, line, column, message }: ScenarioProblem): string {
  return `${file}:${line}:${column} ${message}`;
}

/** Changes with the file. */
function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${path} ${mtimeMs} ${size} ${ino}`;
  } catch {
    // Gone since it was found: the next look says so.
    return `${path} gone`;
  }
}
