import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

/** The page as the bundle has it, which is brought up to date before the tests. */
const PAGE = fileURLToPath(new URL("../../../cli/bundle/page", import.meta.url));
const MAX_BYTES = 150_000;

test("the whole page takes at most 150 kB compressed, and holds no code within its markup", () => {
  let bytes = 0;
  for (const entry of readdirSync(PAGE, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += gzipSync(readFileSync(join(entry.parentPath, entry.name))).length;
  expect(bytes).toBeGreaterThan(5000);
  expect(bytes).toBeLessThan(MAX_BYTES);
  const markup = readFileSync(join(PAGE, "index.html"), "utf8");
  expect(markup).not.toMatch(/<script(?![^>]* src=)|<style| style=| on[a-z]+=/);
});
