import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { program } from "../command-line.ts";
import { styles, type Terminal } from "../terminal/terminal.ts";

const HOME = fileURLToPath(new URL("../../../..", import.meta.url));
const PAGES = [
  "README.md",
  ...readdirSync(join(HOME, "docs/guide")).map((page) => join("docs/guide", page)),
] as const;

/** The command lines of `adaos` in the blocks of a page that a shell would run, as words. */
function commandLines(page: string): string[][] {
  const blocks = readFileSync(join(HOME, page), "utf8").matchAll(/^```(?:console|sh)\n(.*?)^```/gms);
  return [...blocks].flatMap(([, block = ""]) =>
    block
      .replaceAll("\\\n", " ")
      .replaceAll(/\$\([^)]*\)/g, "OUTPUT")
      .split("\n")
      // A comment, a redirection and what may be left out are no words of the command.
      .flatMap((line) => line.replace(/(^|\s)(#|>).*/, "").split(/&&|\|/))
      .map((line) => /(?:^|\s)adaos (.*)/.exec(line.replaceAll(/[[\]]/g, ""))?.[1])
      .filter((line) => line !== undefined)
      .map((line) =>
        (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, "$2")),
      ),
  );
}

/** Makes every command do nothing, so that parsing is all there is. */
function disarm(command: Command): void {
  for (const sub of command.commands) {
    sub.action(() => undefined);
    disarm(sub);
  }
}

describe("the commands of README and guide", () => {
  test("are command lines that adaos takes", async () => {
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    const terminal: Terminal = { out: say, say, outIsTty: false, colors: styles(false) };
    const adaos = await program("all", terminal);
    disarm(adaos);
    const lines = PAGES.flatMap((page) => commandLines(page).map((words) => ({ page, words })));
    expect(lines.length).toBeGreaterThan(60);
    const refused: string[] = [];
    for (const { page, words } of lines) {
      await adaos
        .parseAsync(words, { from: "user" })
        .catch((thrown: unknown) => refused.push(`${page}: adaos ${words.join(" ")}: ${String(thrown)}`));
    }
    expect(refused).toEqual([]);
  });

  test("a command line that it does not take is found", async () => {
    const terminal: Terminal = { out: () => {}, say: () => {}, outIsTty: false, colors: styles(false) };
    const adaos = await program("all", terminal);
    disarm(adaos);
    await expect(adaos.parseAsync(["status", "--nonsense"], { from: "user" })).rejects.toThrow("--nonsense");
  });
});
