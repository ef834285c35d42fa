// `npm test`: sets up a fresh clone, checks the code's form, then runs every test, those on real servers included.
import { join } from "node:path";
import { HOME, run, setUp } from "./setup.mjs";
import { runEndingAll } from "./test-run.mjs";

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
const args = [tool("vitest/vitest.mjs"), "run", ...process.argv.slice(2)];
process.exitCode = await runEndingAll(process.execPath, args, HOME);
