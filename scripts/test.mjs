// `npm test`: sets up a fresh clone, checks the code's form, then runs every test, those on real servers included.
// With --again, files that failed run once more, and decide; what passed only then is named at the end.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOME, run, setUp } from "./setup.mjs";
import { runEndingAll } from "./test-run.mjs";

/** More than these fail for a reason. */
const MOST_AGAIN = 8;

const [option, version = "", ...others] = process.argv.slice(2);
if (option === "--node") {
  // Replaces this run: the suite starts its processes with the Node that runs it.
  process.exit(await runEndingAll(process.execPath, ["scripts/on-node.mjs", version, ...others], HOME));
}

setUp();
const tool = (path) => join(HOME, "node_modules", path);
run("checking form", process.execPath, [
  tool("@biomejs/biome/bin/biome"),
  "check",
  "--error-on-warnings",
  ".",
]);
run("checking unused code", process.execPath, [tool("knip/bin/knip.js")]);
run("checking types of tests", process.execPath, [tool("typescript/bin/tsc"), "-p", "test"]);
run("checking generated files", process.execPath, ["scripts/generate.mjs", "--check"]);
run("getting nats-server", process.execPath, ["scripts/nats-server.mjs"]);
console.error("> running tests");
const isAgain = option === "--again";
const chosen = process.argv.slice(isAgain ? 3 : 2);
const dir = mkdtempSync(join(tmpdir(), "adaos-run-"));
const failedFile = join(dir, "failed");
const vitest = (names) =>
  runEndingAll(process.execPath, [tool("vitest/vitest.mjs"), "run", ...names], HOME, {
    ADAOS_FAILED_FILES: failedFile,
  });
let code = await vitest(chosen);
const failed = existsSync(failedFile) ? readFileSync(failedFile, "utf8").split("\n").filter(Boolean) : [];
if (isAgain && code === 1 && failed.length > 0 && failed.length <= MOST_AGAIN) {
  console.error(`\n> once more, with nothing else beside them: ${failed.join(", ")}`);
  code = 0;
  // A run for each: in one run two of them would be beside each other.
  for (const file of failed) code = Math.max(code, await vitest([file]));
  if (code === 0)
    console.error(`\nfailed at first and passed alone, which is a fault to mend: ${failed.join(", ")}`);
}
rmSync(dir, { recursive: true, force: true });
process.exitCode = code;
