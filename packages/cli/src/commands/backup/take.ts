import { resolve } from "node:path";
import { type TakenBackup, type TakeProgress, takeBackup } from "@adaos/backup";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { progress } from "../../terminal/progress.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { megabytes } from "./megabytes.ts";
import { type PassphraseOptions, passphraseOption, readPassphrase } from "./passphrase.ts";
import { backupVerifyCommand } from "./verify.ts";

interface BackupOptions extends StateOptions, PassphraseOptions {
  readonly output?: string;
  readonly subnet?: string[];
  readonly base?: string;
  readonly keys?: boolean;
  readonly allowMissing?: boolean;
  readonly force?: boolean;
}

export function backupCommand(terminal: Terminal): Command {
  return new Command("backup")
    .enablePositionalOptions()
    .description(
      "write the running mesh of this machine into one file, from which adaos restore makes it again",
    )
    .option("--output <file>", "the file to write")
    .option("--subnet <name...>", "only these subnets, or the root (default: all servers of this machine)")
    .option("--base <file>", "store only what this earlier backup in the same folder does not have")
    .option("--keys", "keep keys, certificates and invitations too; needs --passphrase-file")
    .addOption(passphraseOption())
    .option("--allow-missing", "leave out servers that do not answer")
    .option("--force", "overwrite the file")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos backup --output monday.adaos\n  adaos backup --output tuesday.adaos --base monday.adaos",
    )
    .action((options: BackupOptions) => backup(options, terminal))
    .addCommand(backupVerifyCommand(terminal));
}

async function backup(options: BackupOptions, terminal: Terminal): Promise<void> {
  const { output, subnet, base, keys, allowMissing, force } = options;
  if (output === undefined)
    throw new MeshError("usage", "a backup needs the name of its file: adaos backup --output FILE");
  const passphrase = readPassphrase(options);
  let now: TakeProgress = { streams: 0, of: 0, readBytes: 0, writtenBytes: 0 };
  const ticker = progress(terminal, () => progressText(now));
  try {
    const act = {
      action: "backup",
      what: resolve(output),
      subnets: subnet?.filter((name) => name !== "root"),
    };
    const taken = await audited(options, terminal, act, async (tally) => {
      const done = await takeBackup({
        stateDir: resolveStateDir(options.state),
        output: resolve(output),
        only: subnet,
        base: base === undefined ? undefined : resolve(base),
        passphrase,
        keys,
        allowMissing,
        force,
        onProgress: (told) => {
          now = told;
        },
      });
      tally(done.streams);
      return done;
    });
    tell(taken, options.json === true, terminal);
  } finally {
    ticker.end();
  }
}

function tell(taken: TakenBackup, json: boolean, terminal: Terminal): void {
  for (const what of taken.missing) terminal.say(`not in the backup: ${what}`);
  if (json) return terminal.out(visibleJson(jsonOf(taken)));
  const { file, bytes, storedBytes, streams, messages, files } = taken;
  const held = `${counted(streams, "stream")} with ${counted(messages, "message")}, ${counted(files, "file")}`;
  terminal.out(file);
  terminal.say(`${megabytes(bytes)} written: ${held}; ${megabytes(storedBytes)} of it new`);
}

function jsonOf({ file, id, bytes, storedBytes, streams, messages, files, missing }: TakenBackup): object {
  return { file, id, bytes, stored_bytes: storedBytes, streams, messages, files, missing };
}

function progressText({ streams, of, readBytes, writtenBytes }: TakeProgress): string {
  return `${streams} of ${counted(of, "stream")}, ${megabytes(readBytes)} read, ${megabytes(writtenBytes)} written`;
}
