import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const HOME = fileURLToPath(new URL("..", import.meta.url));

const MINIMUM_NODE = [20, 19];

/** Prepares a fresh clone: dependencies, then a build. Finished steps are not repeated. */
export function setUp() {
  checkNode();
  installDependencies();
  // Incremental: a build with nothing to do takes a second.
  run("building", process.execPath, [join(HOME, "node_modules/typescript/bin/tsc"), "-b"]);
  run("bundling", process.execPath, [join(HOME, "scripts/bundle.mjs")]);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  console.error(
    `Node ${process.versions.node} is too old; AdaOS Mesh needs ${MINIMUM_NODE.join(".")} or newer.`,
  );
  process.exit(78);
}

function installDependencies() {
  if (isInstalled()) return;
  // `npm_execpath` is the running npm; a plain `npm` may be another, or a .cmd on Windows.
  const npm = process.env["npm_execpath"];
  // Not `npm ci`: it fails where a registry lacks a tool's binary for some other platform. This installs the same
  // versions from the lock file, and leaves the lock file unchanged.
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel", "error"];
  if (npm === undefined) run("installing dependencies", "npm", args);
  else run("installing dependencies", process.execPath, [npm, ...args]);
}

/** npm lists its installed packages in `node_modules` as the last step of an installation. */
function isInstalled() {
  const installed = readJson(join(HOME, "node_modules/.package-lock.json"))?.packages;
  const wanted = readJson(join(HOME, "package-lock.json"))?.packages;
  if (installed === undefined || wanted === undefined) return false;
  // The list omits the checkout itself and packages of other platforms.
  return Object.entries(wanted).every(([path, { version, link, optional }]) => {
    return (
      path === "" ||
      !path.startsWith("node_modules") ||
      optional ||
      link ||
      installed[path]?.version === version
    );
  });
}

function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

/** Runs one step in the foreground; a failure ends the whole command. */
export function run(what, command, args) {
  console.error(`> ${what}`);
  const { status, error } = spawnSync(command, args, { cwd: HOME, stdio: "inherit" });
  if (status === 0) return;
  console.error(`${what} failed${error === undefined ? "" : `: ${error.message}`}`);
  process.exit(status ?? 70);
}
