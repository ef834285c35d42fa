import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const COMMANDS = fileURLToPath(new URL("../commands", import.meta.url));

describe("audited()", () => {
  test("is called by every command that asks for confirmation before it acts", () => {
    const files = readdirSync(COMMANDS, { recursive: true, encoding: "utf8" }).filter((file) =>
      /(?<!test)\.ts$/.test(file),
    );
    const texts = files.map((file) => ({ file, text: readFileSync(join(COMMANDS, file), "utf8") }));
    const confirming = texts.filter(({ text }) => text.includes("await confirmed("));
    expect(confirming.length).toBeGreaterThan(5);
    expect(confirming.flatMap(({ file, text }) => (text.includes("audited(") ? [] : [file]))).toEqual([]);
  });
});
