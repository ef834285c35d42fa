import { parseYaml } from "@adaos/config";
import type { ScenarioDefinition } from "./definition.ts";
import { scenarioForm } from "./form.ts";

/** The definition in the text of a `scenario.yaml`. Throws MeshError `invalid-config`. Pure. */
export function parseScenario(text: string, file: string): ScenarioDefinition {
  return parseYaml(text, file, scenarioForm).value;
}
