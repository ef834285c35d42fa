import { relative } from "node:path";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { meshFileOf } from "@adaos/provision";
import { type Provisioned, provisionMesh } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface ProvisionOptions extends StateOptions {
  readonly config?: string;
  readonly parts?: string;
  readonly together?: readonly (readonly string[])[];
  readonly dryRun?: boolean;
}

export function provisionCommand(terminal: Terminal): Command {
  return new Command("provision")
    .description("write keys, server configs and node files of a mesh, and start nothing")
    .option(
      "--config <file>",
      "the mesh file (default: that of the last run, else mesh.yaml or deploy/mesh.yaml)",
    )
    .addOption(stateOption())
    .option(
      "--parts <dir>",
      "also write a folder for each server with its daemons, and for each member, with only its own files",
    )
    .option(
      "--together <parts>",
      "parts of one machine, which share a folder: root-2,alpha/hub-2; may be given several times",
      (text: string, before: readonly string[][] = []) => [...before, text.split(",")],
    )
    .option("--dry-run", "write nothing, check the mesh file and show the nodes")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nContainers mount their part at the path of --state. A repeated run changes only what the mesh file changed.",
    )
    .addHelpText(
      "after",
      "\nExample:\n  adaos provision --config mesh.yaml --state /var/lib/adaos --parts /parts",
    )
    .action(async (options: ProvisionOptions) => {
      const stateDir = resolveStateDir(options.state);
      const configFile = meshFileOf(options.config, stateDir);
      const dryRun = options.dryRun === true;
      const { parts: partsDir, together = [] } = options;
      if (partsDir === undefined && together.length > 0)
        throw new MeshError("usage", "--together needs --parts, which names the folder of the parts");
      const provisioned = await provisionMesh(configFile, { stateDir, partsDir, together, dryRun });
      if (options.json === true) {
        terminal.out(visibleJson({ ...provisioned, state: stateDir, dry_run: dryRun }));
        return;
      }
      for (const line of linesOf(provisioned, dryRun)) terminal.out(line);
      terminal.say(dryRun ? "nothing was written" : `provisioned ${provisioned.mesh} in ${stateDir}`);
    });
}

/** A line for each part and for each node without one. */
function linesOf({ nodes, added, removed, changed, parts }: Provisioned, dryRun: boolean): string[] {
  const verb = dryRun ? "would be" : "is";
  const stateOf = (id: string): string => (added.includes(id) ? `${verb} new` : `${verb} kept`);
  const partOf = (id: string): string => {
    const part = parts.find((one) => one.nodes.includes(id));
    if (part === undefined) return "";
    const dir = relative(process.cwd(), part.dir) || ".";
    return dryRun || part.nodes[0] !== id
      ? `, in ${dir}`
      : `, in ${dir}: ${part.changed.length} files changed`;
  };
  return [
    ...nodes.map((id) => `${id} ${stateOf(id)}${partOf(id)}`),
    ...removed.map((id) => `${id} ${verb} removed`),
    ...(dryRun ? [] : [`${changed.length} files of keys, nodes and servers changed`]),
  ];
}
