import { join, relative, resolve } from "node:path";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { meshFileOf } from "@adaos/provision";
import { buildEventDocs, isAbout } from "@adaos/registry-tools/docs";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import type { Terminal } from "../../../terminal/terminal.ts";
import { configOption } from "../../policy/policy-options.ts";

interface DocsBuildOptions extends StateOptions {
  readonly registry: string;
  readonly config?: string;
  readonly policy: boolean;
  readonly output: string;
  readonly site?: string;
  readonly check?: boolean;
}

export function eventsDocsBuildCommand(terminal: Terminal): Command {
  return new Command("build")
    .description(
      "write a page per event (Markdown and a site to browse), AsyncAPI, and OpenAPI of the commands",
    )
    .option("--registry <dir>", "the registry's folder", "schemas/events")
    .addOption(configOption())
    .option("--no-policy", "leave out the policy, even if there is a mesh file")
    .option("--output <dir>", "folder of the pages", "docs/events")
    .option("--site <dir>", "folder of the site (default: site in the folder of the pages)")
    .option("--check", "write nothing, name stale files, and exit with 78 when there are any")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events docs build --config deploy/mesh.yaml")
    .action(async (options: DocsBuildOptions) => {
      const output = resolve(options.output);
      const { stale, orphans, files } = await buildEventDocs({
        registry: options.registry,
        config: meantConfig(options),
        output,
        site: resolve(options.site ?? join(output, "site")),
        check: options.check === true,
      });
      const [changed, gone] = [stale, orphans].map((list) =>
        list.map((file) => relative(process.cwd(), file)),
      );
      print(terminal, options, { files, changed: changed ?? [], gone: gone ?? [] });
    });
}

/** The default mesh file counts only when it names this registry. */
function meantConfig({ config, policy, registry, state }: DocsBuildOptions): string | undefined {
  if (!policy) return undefined;
  if (config !== undefined) return config;
  try {
    const file = meshFileOf(undefined, resolveStateDir(state));
    return isAbout(file, registry) ? file : undefined;
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "usage") return undefined;
    throw thrown;
  }
}

interface Outcome {
  readonly files: number;
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}

function print(
  terminal: Terminal,
  { json, check }: DocsBuildOptions,
  { files, changed, gone }: Outcome,
): void {
  if (check === true) {
    const stale = [...changed, ...gone];
    if (json === true) terminal.out(visibleJson({ files, stale }));
    else for (const file of stale) terminal.out(file);
    if (stale.length === 0) return;
    terminal.say(`${stale.length} stale; adaos events docs build brings them up to date`);
    process.exitCode = EXIT_CODES["invalid-config"];
    return;
  }
  if (json === true) {
    terminal.out(visibleJson({ files, written: changed, removed: gone }));
    return;
  }
  for (const file of changed) terminal.out(file);
  for (const file of gone) terminal.out(`${file} (removed)`);
  terminal.say(`${counted(files, "file")}, ${changed.length} written, ${gone.length} removed`);
}
