import { parseScenarioName, scenarioAct, switchRequest } from "@adaos/operations";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { tellCounts } from "../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { askAll, countsOf } from "./runs/scenario-hubs.ts";

export function scenarioPauseCommand(terminal: Terminal): Command {
  return withNames(new Command("pause"))
    .description("let triggers of scenarios start nothing until they are resumed; runs under way go on")
    .addHelpText("after", "\nExample:\n  adaos scenario pause alpha/kitchen/heating")
    .action((names: readonly string[], options: StateOptions) =>
      changeAll("pause", "paused", names, options, terminal),
    );
}

export function scenarioResumeCommand(terminal: Terminal): Command {
  return withNames(new Command("resume"))
    .description("let triggers of paused scenarios start runs again; what came meanwhile is skipped")
    .addHelpText("after", "\nExample:\n  adaos scenario resume alpha/kitchen/heating")
    .action((names: readonly string[], options: StateOptions) =>
      changeAll("resume", "resumed", names, options, terminal),
    );
}

function withNames(command: Command): Command {
  return command
    .argument("<subnet/node/scenario...>", "which; adaos scenario list names them")
    .addOption(stateOption())
    .addOption(jsonOption());
}

async function changeAll(
  kind: "pause" | "resume",
  word: string,
  names: readonly string[],
  options: StateOptions,
  terminal: Terminal,
): Promise<void> {
  const requests = names.map((name) => switchRequest(parseScenarioName(name), kind));
  const act = scenarioAct(kind, names.join(", "), requests);
  const answered = await audited(options, terminal, act, (tally) =>
    askAll(requests, options, terminal, tally),
  );
  tellCounts(countsOf(word, answered), options, terminal);
}
