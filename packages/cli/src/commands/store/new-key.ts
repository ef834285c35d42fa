import { resolve } from "node:path";
import { visibleJson } from "@adaos/core/wire";
import { newStoreKey } from "@adaos/nats-server";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

export function storeNewKeyCommand(terminal: Terminal): Command {
  return new Command("new-key")
    .description("make a key file with which servers encrypt their streams")
    .argument("<file>", "the key's file, on another disk than the streams; an existing file is kept")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nName it in mesh.yaml: encryption: { keyFile: FILE }. Keep a copy: without it all is lost.",
    )
    .addHelpText("after", "\nExample:\n  adaos store new-key /media/keys/mesh.key")
    .action((file: string, options: { json?: boolean }) => {
      const path = resolve(file);
      const keyId = newStoreKey(path);
      if (options.json === true) terminal.out(visibleJson({ file: path, key_id: keyId }));
      else
        terminal.say(
          `made the key ${keyId} in ${path}; keep a copy elsewhere: without it all streams are lost`,
        );
    });
}
