// `npm start`: sets up a fresh clone, then runs the demo of the default mesh. Arguments go to the demo (--once).
import { spawn } from "node:child_process";
import { join } from "node:path";
import { HOME, setUp } from "./setup.mjs";

setUp();
const cli = join(HOME, "packages/cli/bin/adaos.mjs");
const demo = spawn(process.execPath, [cli, "demo", ...process.argv.slice(2)], {
  cwd: HOME,
  stdio: "inherit",
});
// The demo stops its processes in order and then ends; this process only waits for it. A Ctrl-C reaches the demo
// from the terminal; a signal to this process alone is forwarded.
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => demo.kill(signal));
demo.on("exit", (code) => {
  process.exitCode = code ?? 70;
});
