import { describe, expect, test } from "vitest";
import { styles } from "../terminal/terminal.ts";
import { COMMANDS, type CommandTree } from "./tree.ts";

const silent = (): void => undefined;
const TERMINAL = { out: silent, say: silent, outIsTty: false, colors: styles(false) };

function leavesOf(tree: CommandTree, path = ""): [string, Extract<CommandTree[string], { load: unknown }>][] {
  return Object.entries(tree).flatMap(([name, entry]) => {
    const words = `${path}${name}`;
    return "load" in entry ? [[words, entry]] : leavesOf(entry.commands, `${words} `);
  });
}

describe("COMMANDS", () => {
  test.each(leavesOf(COMMANDS))("names and sums up %s as the command itself does", async (words, entry) => {
    const command = (await entry.load())(TERMINAL);
    expect([command.name(), command.description()]).toEqual([words.split(" ").at(-1), entry.summary]);
  });
});
