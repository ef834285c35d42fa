import { describe, expect, test } from "vitest";
import { processTerminal } from "../../terminal/terminal.ts";
import { joinCommand } from "./index.ts";

describe("adaos join --help", () => {
  test("shows the code on standard input, and none among the arguments", () => {
    const help: string[] = [];
    const command = joinCommand(processTerminal());
    command.configureOutput({ writeOut: (text) => void help.push(text) }).outputHelp();
    expect(help.join("")).toContain("adaos join - --root");
    expect(help.join("")).not.toMatch(/adaos join [0-9A-Z]{5}-/);
  });
});
