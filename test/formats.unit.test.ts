import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FORMATS, formatOf } from "@adaos/core/wire";
import { expect, test } from "vitest";

test("docs/reference/formats.md lists every format with its number", () => {
  const page = readFileSync(fileURLToPath(new URL("../docs/reference/formats.md", import.meta.url)), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| [^|]+ \| (\d+) \|/gm)].map(([, id, number]) => {
    return [id, Number(number)] as const;
  });
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(Object.entries(FORMATS).map(([id, format]) => [id, formatOf(format)])),
  );
});
