import { VERSION } from "@adaos/core/version";
import { Command } from "commander";
import { stateOption } from "../options/options.ts";
import { type RegistryOptions, registryOption } from "../options/registry-options.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy/policy-options.ts";

export function mcpCommand(terminal: Terminal): Command {
  return new Command("mcp")
    .description(
      "serve the registry to language models: the Model Context Protocol on standard input and output",
    )
    .addOption(registryOption())
    .addOption(configOption())
    .addOption(stateOption())
    .addHelpText(
      "after",
      "\nReads the registry and the mesh file, and changes nothing. Ends with standard input.",
    )
    .addHelpText(
      "after",
      '\nExample, in the configuration of a client that starts it in this folder:\n  { "mcpServers": { "adaos": { "command": "npx", "args": ["adaos", "mcp"] } } }',
    )
    .action(async ({ registry, ...policy }: RegistryOptions & PolicyOptions) => {
      const { serveMcp } = await import("@adaos/mcp");
      await serveMcp(registry, () => loadMeantPolicy(policy), terminal.say, VERSION);
    });
}
