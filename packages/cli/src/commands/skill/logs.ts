import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import type { SkillLogLine } from "@adaos/skills";
import { memberOfSkill, skillLogLines } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import type { MemberOptions } from "./member-options.ts";

interface LogsOptions extends MemberOptions {
  readonly follow?: boolean;
  readonly lines: number;
}

const LOOK_MS = 200;

export function skillLogsCommand(terminal: Terminal): Command {
  return new Command("logs")
    .description("the log of a skill: what it printed and logged, and what became of its process")
    .argument("<name>", "the skill; adaos skill list names them")
    .option("--as <subnet/member>", "the member, where several have a skill of this name")
    .option("-f, --follow", "print new lines as they come, until Ctrl-C")
    .option("-n, --lines <n>", "the last so many lines", parseCount, 100)
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos skill logs greeter --follow")
    .action(async (name: string, options: LogsOptions) => {
      const { member, files } = await memberOfSkill(name, resolveStateDir(options.state), options.as);
      const file = files.logFile(name);
      if (!existsSync(file))
        throw new MeshError("unavailable", `skill ${name} of ${member} has no log yet: ${file}`);
      const print = (line: string): void => terminal.out(options.json === true ? line : told(line, terminal));
      const { size } = statSync(file);
      for (const line of skillLogLines(file).slice(-options.lines)) print(line);
      if (options.follow === true) await follow(file, size, print);
    });
}

function told(line: string, { colors }: Terminal): string {
  try {
    const { ts, level, from, message, fields } = JSON.parse(line) as SkillLogLine;
    const color = level === "error" ? colors.red : level === "warn" ? colors.yellow : colors.dim;
    const more = fields === undefined ? "" : ` ${colors.dim(JSON.stringify(fields))}`;
    return `${ts} ${color(level)} ${colors.dim(from)} ${message}${more}`;
  } catch {
    // A disk that was full has left half a line.
    return line;
  }
}

/** Prints what is added to a file, also when another takes its place. Ends with the process. */
async function follow(file: string, from: number, print: (line: string) => void): Promise<never> {
  let position = from;
  let ino = statSync(file).ino;
  let rest = "";
  for (;;) {
    await delay(LOOK_MS);
    const now = statSync(file, { throwIfNoEntry: false });
    if (now === undefined) continue;
    if (now.ino !== ino || now.size < position) position = 0;
    ino = now.ino;
    const added = readFrom(file, position);
    position += added.length;
    const lines = (rest + added.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) print(line);
  }
}

function readFrom(file: string, position: number): Buffer {
  const handle = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(Math.max(fstatSync(handle).size - position, 0));
    const read = readSync(handle, bytes, 0, bytes.length, position);
    return bytes.subarray(0, read);
  } finally {
    closeSync(handle);
  }
}
