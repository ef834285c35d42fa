import { join } from "node:path";
import { nodeId, resolveStateDir, skillsDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { parseNodeAddress, visibleJson } from "@adaos/core/wire";
import { connectMember } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import type { SkillLogSink } from "@adaos/skills";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { quietLog, type Terminal } from "../../terminal/terminal.ts";

interface RunOptions extends StateOptions {
  readonly as: string;
}

/** A change is in force in less than a second. */
const LOOK_MS = 150;

export function skillRunCommand(terminal: Terminal): Command {
  return new Command("run")
    .description(
      "run skills as a member, load them anew when they are saved, and print their logs, until Ctrl-C",
    )
    .argument("<paths...>", "folders of skills, or a folder of them")
    .requiredOption("--as <subnet/member>", "the member that runs them")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nIt takes the events of the member's own daemon, where that runs a skill of the same name: disable it there.",
    )
    .addHelpText("after", "\nExample:\n  adaos skill run skills/greeter --as alpha/speaker")
    .action(async (paths: string[], options: RunOptions) => {
      const { findSkills, nodeRuntime, SkillSet } = await import("@adaos/skills");
      const folders = findSkills(paths);
      const stateDir = resolveStateDir(options.state);
      const registry = await loadRegistry(readLayout(stateDir).registryDir);
      const bus = await connectMember({
        as: options.as,
        state: options.state,
        component: "skill",
        log: quietLog(terminal),
      });
      const skills = new SkillSet(
        { paths: folders },
        {
          dir: join(skillsDir(stateDir, nodeId(parseNodeAddress(options.as))), "run"),
          lookMs: LOOK_MS,
          port: {
            bus,
            runtime: nodeRuntime(),
            log: quietLog(terminal),
            newest: (name) => newestOf(registry, name),
            policyProblem: () => undefined,
            openLog: (skill) => printedLog(skill, options, terminal),
          },
        },
      );
      skills.start();
      await untilSignal();
      await skills.stop();
      await bus.close();
    });
}

function newestOf(registry: Awaited<ReturnType<typeof loadRegistry>>, name: string): number {
  try {
    return registry.resolve(name).version;
  } catch (thrown) {
    // Publishing it will tell.
    if (thrown instanceof MeshError) return 1;
    throw thrown;
  }
}

function printedLog(skill: string, { json }: RunOptions, terminal: Terminal): SkillLogSink {
  const { red, yellow, dim } = terminal.colors;
  return {
    dropped: 0,
    write: (level, from, message, fields) => {
      if (json === true)
        return terminal.out(
          visibleJson({ ts: new Date().toISOString(), skill, level, from, message, fields }),
        );
      const color = level === "error" ? red : level === "warn" ? yellow : (text: string) => text;
      const more = fields === undefined ? "" : ` ${dim(JSON.stringify(fields))}`;
      const line = `${dim(skill)} ${color(message)}${more}`;
      if (from === "daemon") terminal.say(line);
      else terminal.out(line);
    },
    close: () => undefined,
  };
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
