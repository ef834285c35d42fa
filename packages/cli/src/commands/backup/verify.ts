import { resolve } from "node:path";
import { BackupChain } from "@adaos/backup";
import { counted, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { megabytes } from "./megabytes.ts";
import { type PassphraseOptions, passphraseOption, readPassphrase } from "./passphrase.ts";

interface VerifyOptions extends PassphraseOptions {
  readonly json?: boolean;
}

export function backupVerifyCommand(terminal: Terminal): Command {
  return new Command("verify")
    .description("read a backup and its bases to the end; exits with 78 when one is damaged or missing")
    .argument("<file>", "the backup")
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos backup verify tuesday.adaos")
    .action(async (file: string, options: VerifyOptions) => {
      const chain = await BackupChain.open(resolve(file), readPassphrase(options));
      try {
        const { manifest, newest, files } = chain;
        const streams = manifest.servers.flatMap((server) => server.streams);
        const messages = streams.reduce((sum, { state }) => sum + state.messages, 0);
        const found = {
          mesh: manifest.mesh,
          made_at: newest.header.madeAt,
          began_at: manifest.began,
          ended_at: manifest.ended,
          streams: streams.length,
          messages,
          files: manifest.files.length,
          keys: manifest.hasKeys,
          missing: manifest.missing,
          backups: files.map((one) => ({ file: one.file, bytes: one.bytes })),
        };
        if (options.json === true) return terminal.out(visibleJson(found));
        for (const one of files) terminal.out(`${one.file}  ${megabytes(one.bytes)}  whole`);
        for (const what of manifest.missing) terminal.say(`not in the backup: ${what}`);
        const held = `${counted(streams.length, "stream")} with ${counted(messages, "message")}`;
        terminal.say(`mesh ${found.mesh} of ${found.made_at}: ${held}, ${keysText(manifest.hasKeys)}`);
      } finally {
        await chain.close();
      }
    });
}

export function keysText(hasKeys: boolean): string {
  return hasKeys ? "with keys" : "without keys";
}
