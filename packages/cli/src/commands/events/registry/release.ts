import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { loadRegistry, releasedEvents } from "@adaos/registry";
import { Command } from "commander";
import { jsonOption } from "../../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../../options/registry-options.ts";
import type { Terminal } from "../../../terminal/terminal.ts";

interface ReleaseOptions extends RegistryOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

export function registryReleaseCommand(terminal: Terminal): Command {
  return new Command("release")
    .description("record the registry as released: lint then refuses changes that break it")
    .addOption(registryOption())
    .option("--dry-run", "write nothing")
    .option("--force", "even if it breaks the last release")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos events registry release && git add schemas/events/registry.lock.json",
    )
    .action(async ({ registry: dir, dryRun, force, json }: ReleaseOptions) => {
      const { formatLock, LOCK_FILE, lockFaults, parseLock } = await import("@adaos/registry-tools");
      const file = join(dir, LOCK_FILE);
      const events = releasedEvents(await loadRegistry(dir));
      // An unreadable lock file is replaced like a broken release: only with --force.
      const isCompared = existsSync(file) && force !== true;
      const before = isCompared ? parseLock(readFileSync(file, "utf8"), file) : [];
      const [fault, ...more] = lockFaults(before, events);
      if (fault !== undefined) {
        const others = more.length === 0 ? "" : `, and ${more.length} more`;
        throw new MeshError(
          "invalid-config",
          `${file}: ${fault.event} ${fault.told}${others}; repair it, or release it anyway with --force`,
        );
      }
      const text = formatLock(events);
      const released = events.filter(({ record }) => record.status !== "draft").length;
      if (dryRun !== true) writeWhole(file, text, 0o644);
      if (json === true) terminal.out(visibleJson({ file, released, written: dryRun !== true }));
      else
        terminal.out(
          `${dryRun === true ? "would release" : "released"} ${counted(released, "event")} in ${file}`,
        );
    });
}
