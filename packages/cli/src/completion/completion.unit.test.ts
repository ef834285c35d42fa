import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "@adaos/core/version";
import { Argument, Command, Option } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandTree } from "./command-tree.ts";
import { completionScript, SHELLS } from "./shell-scripts.ts";

const program = new Command("adaos")
  .addCommand(
    new Command("events").description('it\'s: "all" of $HOME').addCommand(
      new Command("publish")
        .addOption(new Option("--kind <kind>", "which").choices(["event", "command"]))
        .option("--data <json>", "data")
        .option("--wait", "wait"),
    ),
  )
  .addCommand(new Command("shell").addArgument(new Argument("<shell>").choices(["bash", "zsh"])))
  .addCommand(new Command("demo"), { hidden: true });
const tree = commandTree(program);

describe("commandTree()", () => {
  test("has every command that help shows, and no other", () => {
    expect(tree.map(({ path }) => path.join(" "))).toEqual(["", "events", "events publish", "shell"]);
  });

  test("tells which options take a value, and which values", () => {
    const { options } = tree[2] ?? {};
    expect(options?.map(({ name, takesValue, choices }) => [name, takesValue, choices])).toEqual([
      ["--kind", true, ["event", "command"]],
      ["--data", true, []],
      ["--wait", false, []],
      ["--help", false, []],
    ]);
  });
});

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-completion-"));
  for (const shell of SHELLS) writeFileSync(join(dir, shell), completionScript(shell, tree));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Not in every distribution. */
const FISH: string = "fish";

/** Whether this machine has the shell; bash it has. */
function has(shell: string): boolean {
  return spawnSync(shell, ["-c", ":"]).status === 0;
}

function bash(...words: readonly string[]): string[] {
  const script = `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _adaos; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["-c", script, "bash", join(dir, "bash"), "adaos", ...words], {
    encoding: "utf8",
  });
  return out.split("\n").filter((line) => line !== "");
}

describe("completionScript(), in bash", () => {
  test.each([
    [[""], ["events", "shell", "--help"]],
    [["ev"], ["events"]],
    [["events", "pub"], ["publish"]],
    [
      ["events", "publish", "--"],
      ["--kind", "--data", "--wait", "--help"],
    ],
    [
      ["events", "publish", "--kind", ""],
      ["event", "command"],
    ],
    [["events", "publish", "--data", "x", "--w"], ["--wait"]],
    [
      ["shell", ""],
      ["bash", "zsh", "--help"],
    ],
  ])("completes %j", (words, found) => {
    expect(bash(...words)).toEqual(found);
  });

  test("leaves the value of an option to the names of files", () => {
    expect(bash("events", "publish", "--data", "")).toEqual([]);
  });
});

describe("completionScript(), in other shells", () => {
  test.runIf(has("zsh"))("is a script of zsh", () => {
    expect(spawnSync("zsh", ["-n", join(dir, "zsh")], { encoding: "utf8" })).toMatchObject({
      status: 0,
      stderr: "",
    });
  });

  test.runIf(has(FISH))("completes in fish", () => {
    const script = `source ${join(dir, "fish")}; complete -C 'adaos events pub'; complete -C 'adaos events publish --kind '`;
    const out = execFileSync(FISH, ["--no-config", "-c", script], { encoding: "utf8" });
    expect(out.split("\n").map((line) => line.split("\t")[0])).toEqual(["publish", "command", "event", ""]);
  });
});

describe("VERSION", () => {
  test("is that of the package", () => {
    const file = new URL("../../package.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8")).version).toBe(VERSION);
  });
});
