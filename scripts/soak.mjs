// `npm run soak -- [--hours N | --minutes N] [--seed N] [--report FILE]`: a mesh of its own, with faults all the time.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HOME, setUp } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    hours: { type: "string" },
    minutes: { type: "string" },
    seed: { type: "string" },
    report: { type: "string", default: join(HOME, "docs/reports/soak.md") },
  },
});
const minutes = Number(values.minutes ?? Number(values.hours ?? 1 / 6) * 60);
if (!(minutes > 0 && minutes <= 7 * 24 * 60)) {
  console.error("--hours or --minutes: more than 0, and at most 7 days");
  process.exit(64);
}

const dir = mkdtempSync(join(tmpdir(), "adaos-soak-"));
// JSON is YAML.
const mesh = {
  mesh: "soak",
  registry: join(HOME, "schemas/events"),
  chaos: "allowed",
  subnets: {
    alpha: { export: ["ui."], members: { kitchen: { publish: ["ui."] } } },
    beta: { import: ["ui."], members: { desk: { subscribe: ["ui."] } } },
  },
};
writeFileSync(join(dir, "mesh.yaml"), JSON.stringify(mesh));

let running;
let isAsked = false;

/** Resolves with its exit code. */
function adaos(...args) {
  const command = [join(HOME, "packages/cli/bin/adaos.mjs"), ...args, "--state", join(dir, "state")];
  running = spawn(process.execPath, command, { stdio: "inherit" });
  return new Promise((resolve) => running.once("exit", (status) => resolve(status ?? 70)));
}

setUp();
// A signal ends the faults, which write their report; then the mesh is stopped as usual.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (!isAsked) running?.kill(signal);
    isAsked = true;
  });
}
let code = await adaos("up", "--config", join(dir, "mesh.yaml"), "--detach");
try {
  if (code === 0 && !isAsked) {
    const time = ["--duration", `${Math.ceil(minutes * 60)}`, "--pause", "5"];
    const seed = values.seed === undefined ? [] : ["--seed", values.seed];
    code = await adaos("chaos", "inject", ...time, ...seed, "--report", resolve(values.report));
  }
} finally {
  isAsked = true;
  await adaos("down");
  if (code === 0) rmSync(dir, { recursive: true, force: true });
  else console.error(`left for a look: ${dir}`);
}
process.exitCode = code;
