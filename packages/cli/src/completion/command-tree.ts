import type { Argument, Command, Option } from "commander";

/** A command for completion. */
export interface CommandWords {
  /** Names from below the program on: `["events", "publish"]`; empty for the program itself. */
  readonly path: readonly string[];
  readonly commands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** The only values of the first argument; empty when any text will do. */
  readonly values: readonly string[];
}

export interface Word {
  readonly name: string;
  readonly description: string;
}

export interface OptionWord extends Word {
  readonly takesValue: boolean;
  /** The only values that it takes; empty when any text will do. */
  readonly choices: readonly string[];
}

/** Every command below `program` that its help shows, the program first. Pure. */
export function commandTree(program: Command): CommandWords[] {
  return walk(program, []);
}

function walk(command: Command, path: readonly string[]): CommandWords[] {
  const help = command.createHelp();
  // "help" takes the name of a command, but completion needs the command itself.
  const commands = help.visibleCommands(command).filter((sub) => sub.name() !== "help");
  const own: CommandWords = {
    path,
    commands: commands.map((sub) => ({ name: sub.name(), description: sub.description() })),
    options: help.visibleOptions(command).map(optionWord),
    values: choicesOf(command.registeredArguments[0]),
  };
  return [own, ...commands.flatMap((sub) => walk(sub, [...path, sub.name()]))];
}

function optionWord(option: Option): OptionWord {
  return {
    name: option.long ?? option.short ?? option.flags,
    description: option.description,
    takesValue: option.required || option.optional,
    choices: choicesOf(option),
  };
}

function choicesOf(from: Option | Argument | undefined): readonly string[] {
  return from?.argChoices ?? [];
}
