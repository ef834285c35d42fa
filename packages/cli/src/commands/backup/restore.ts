import { resolve } from "node:path";
import { planRestore, type RestoredMesh, restoreBackup } from "@adaos/backup";
import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { progress } from "../../terminal/progress.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { megabytes } from "./megabytes.ts";
import { type PassphraseOptions, passphraseOption, readPassphrase } from "./passphrase.ts";
import { keysText } from "./verify.ts";

interface RestoreCommandOptions extends StateOptions, PassphraseOptions {
  readonly meshDir?: string;
  readonly dryRun?: boolean;
}

export function restoreCommand(terminal: Terminal): Command {
  return new Command("restore")
    .description("make a mesh again from a backup, in a new state folder; adaos up starts it")
    .argument("<file>", "the backup; its bases lie beside it")
    .option(
      "--mesh-dir <dir>",
      "folder for the mesh file and what it names (default: mesh in the state folder)",
    )
    .option("--dry-run", "read all of the backup, and print what would be restored")
    .addOption(passphraseOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos restore tuesday.adaos --state .adaos --dry-run\n  adaos restore tuesday.adaos --state .adaos",
    )
    .action((file: string, options: RestoreCommandOptions) => restore(resolve(file), options, terminal));
}

async function restore(file: string, options: RestoreCommandOptions, terminal: Terminal): Promise<void> {
  let now = { streams: 0, of: 0 };
  const asked = {
    file,
    stateDir: resolveStateDir(options.state),
    meshDir: options.meshDir === undefined ? undefined : resolve(options.meshDir),
    passphrase: readPassphrase(options),
    onProgress: (told: typeof now) => {
      now = told;
    },
  };
  const ticker = progress(terminal, () => `${now.streams} of ${counted(now.of, "stream")} restored`);
  try {
    const restored = options.dryRun === true ? await planRestore(asked) : await restoreBackup(asked);
    // The record is kept in the folder that was just made.
    if (options.dryRun !== true)
      await audited(options, terminal, { action: "restore", what: file }, async (tally) => {
        tally(restored.streams.length);
      });
    tell(restored, options, terminal);
  } finally {
    ticker.end();
  }
}

function tell(restored: RestoredMesh, options: RestoreCommandOptions, terminal: Terminal): void {
  const isPlan = options.dryRun === true;
  for (const what of restored.missing) terminal.say(`not in the backup: ${what}`);
  if (options.json === true) terminal.out(visibleJson(jsonOf(restored, isPlan)));
  else {
    const rows = restored.streams.map(({ of, name, messages, bytes, durables }) => {
      return [of, name, counted(messages, "message"), megabytes(bytes), counted(durables, "durable")];
    });
    for (const line of table(rows)) terminal.out(line);
  }
  const { mesh, madeAt, host, stateDir, streams, files, hasKeys, meshFile, problem } = restored;
  const verb = isPlan ? "would restore" : "restored";
  const held = `${counted(streams.length, "stream")}, ${counted(files, "file")}, ${keysText(hasKeys)}`;
  terminal.say(`${verb} mesh ${mesh} of ${host}, ${madeAt}, into ${stateDir}: ${held}`);
  if (isPlan) return;
  const config = problem === undefined || meshFile === undefined ? "" : ` --config ${meshFile}`;
  if (problem !== undefined) terminal.say(`its mesh file does not start here yet; edit it: ${problem}`);
  terminal.say(`start it: adaos up --state ${stateDir}${config}`);
}

function jsonOf(
  { mesh, madeAt, host, stateDir, meshFile, streams, files, bytes, hasKeys, missing, problem }: RestoredMesh,
  dryRun: boolean,
): object {
  return {
    mesh,
    made_at: madeAt,
    host,
    state: stateDir,
    mesh_file: meshFile ?? null,
    streams,
    files,
    bytes,
    keys: hasKeys,
    missing,
    problem: problem ?? null,
    dry_run: dryRun,
  };
}
