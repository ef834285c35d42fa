// `npm run soak -- [--hours N | --minutes N] [--seed N] [--report FILE]`: a mesh of its own, with faults all the time.
import { spawnSync } from "node:child_process";
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
    report: { type: "string", default: "soak-report.md" },
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

const adaos = (...args) =>
  spawnSync(
    process.execPath,
    [join(HOME, "packages/cli/bin/adaos.mjs"), ...args, "--state", join(dir, "state")],
    { stdio: "inherit" },
  ).status ?? 70;

setUp();
let code = adaos("up", "--config", join(dir, "mesh.yaml"), "--detach");
// Ctrl-C ends the command, and this program stops the mesh.
process.on("SIGINT", () => undefined);
try {
  if (code === 0) {
    const time = ["--duration", `${Math.ceil(minutes * 60)}`, "--pause", "5"];
    const seed = values.seed === undefined ? [] : ["--seed", values.seed];
    code = adaos("chaos", "inject", ...time, ...seed, "--report", resolve(values.report));
  }
} finally {
  adaos("down");
  if (code === 0) rmSync(dir, { recursive: true, force: true });
  else console.error(`left for a look: ${dir}`);
}
process.exitCode = code;
