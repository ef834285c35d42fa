import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { shownPath } from "@adaos/config";
import { MeshError } from "@adaos/core";

const SCENARIO_FILE = "scenario.yaml";
const CASES_FILE = "scenario.test.yaml";
const MAX_SCENARIOS = 10_000;

/**
 * The files that paths mean: a `scenario.yaml` itself, a folder with one, or a folder of such folders. Throws `usage`
 * where there is none.
 */
export function findScenarios(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    if (!existsSync(path))
      throw new MeshError("usage", `there is no ${shownPath(path)}; name a scenario or its folder`);
    if (!statSync(path).isDirectory()) return [path];
    const own = join(path, SCENARIO_FILE);
    if (existsSync(own)) return [own];
    const inner = readdirSync(path)
      .sort()
      .map((name) => join(path, name, SCENARIO_FILE))
      .filter((file) => existsSync(file));
    if (inner.length === 0)
      throw new MeshError(
        "usage",
        `${shownPath(path)} has no ${SCENARIO_FILE}, and none of its folders has; adaos scenario new NAME writes one`,
      );
    return inner;
  });
  if (found.length > MAX_SCENARIOS) throw new MeshError("usage", `more than ${MAX_SCENARIOS} scenarios`);
  return [...new Set(found)];
}

/** The cases of a scenario: `scenario.test.yaml` beside it, or for `x.yaml` the file `x.test.yaml`. */
export function casesFileOf(file: string): string {
  const name = basename(file);
  return join(dirname(file), name === SCENARIO_FILE ? CASES_FILE : name.replace(/(\.ya?ml)?$/, ".test.yaml"));
}
