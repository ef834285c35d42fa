// Runs something on other versions of Node, whose programs the npm package "node" brings:
//   node scripts/on-node.mjs 24 [arguments of npm test]     the whole suite, also by "npm test -- --node 24"
//   node scripts/on-node.mjs --smoke 22 24                  the demo of the default mesh, and a mesh within one process
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOME, run, setUp } from "./setup.mjs";

const [first = "", ...rest] = process.argv.slice(2);
if (first === "--smoke") {
  setUp();
  for (const version of rest) {
    const { program, problem } = programOf(version);
    // Where the registry has no such program, everything else can still be tested.
    if (program === undefined) console.error(`not tried on Node ${version}: ${problem}`);
    else smoke(version, program);
  }
} else {
  const { program, problem } = programOf(first);
  if (program === undefined) fail(problem, 69);
  const { status } = spawnSync(program, [join(HOME, "scripts/test.mjs"), ...rest], {
    cwd: HOME,
    stdio: "inherit",
  });
  process.exitCode = status ?? 70;
}

/** Path of this version's program from npm, or the reason why there is none. */
function programOf(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version))
    fail(`${JSON.stringify(version)} is no version of Node; write 24`, 64);
  // The package fetches this machine's program by a script, which the checkout's .npmrc forbids to all others.
  // Without it npm silently runs the installed Node.
  const args = ["exec", "--yes", "--ignore-scripts=false", "--package", `node@${version}`, "--"];
  const told = spawnSync("npm", [...args, "node", "-p", "process.execPath + ' ' + process.versions.node"], {
    cwd: HOME,
    encoding: "utf8",
    timeout: 300_000,
  });
  const [program, found = ""] = told.stdout?.trim().split(" ") ?? [];
  if (`${found}.`.startsWith(`${version}.`)) return { program };
  return { problem: `npm has brought Node ${found || "none"}\n${told.stderr ?? ""}` };
}

function smoke(version, program) {
  const state = mkdtempSync(join(tmpdir(), "adaos-smoke-"));
  try {
    process.env["ADAOS_STATE"] = state;
    run(`demo on Node ${version}`, program, [join(HOME, "packages/cli/bin/adaos.mjs"), "demo", "--once"]);
    process.env["ADAOS_MESH"] = join(HOME, "examples/local.yaml");
    run(`one process on Node ${version}`, program, [join(HOME, "examples/hello.mjs")]);
    delete process.env["ADAOS_MESH"];
  } finally {
    rmSync(state, { recursive: true });
  }
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}
