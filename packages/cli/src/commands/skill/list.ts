import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import { skillsOfMembers } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import type { MemberOptions } from "./member-options.ts";

export function skillListCommand(terminal: Terminal): Command {
  return new Command("list")
    .description(
      "the skills of the members on this machine: state, memory, restarts, and why one does not run",
    )
    .option("--as <subnet/member>", "of this member alone")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos skill list --as alpha/kitchen")
    .action(async (options: MemberOptions) => {
      const asked = await skillsOfMembers(resolveStateDir(options.state), options.as);
      if (options.json === true) return terminal.out(visibleJson({ members: asked }));
      const rows = asked.flatMap(({ node, skills }) =>
        skills.map((skill) => [
          node,
          skill.name,
          skill.version ?? "-",
          skill.state,
          skill.memory_bytes === null ? "-" : `${Math.round(skill.memory_bytes / 1_048_576)} MiB`,
          counted(skill.restarts, "restart"),
        ]),
      );
      for (const line of table(rows)) terminal.out(line);
      for (const { node, skills, problems, away } of asked) {
        for (const { name, reason } of skills)
          if (reason !== null) terminal.say(`${node} ${name}: ${reason}`);
        for (const problem of [...problems, ...(away === undefined ? [] : [away])])
          terminal.say(`${node}: ${problem}`);
      }
      if (rows.length === 0) terminal.say("no skills; name their folders in mesh.yaml: members.<m>.skills");
    });
}
