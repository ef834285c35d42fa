import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openOwnLog, resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { delay, messageOf } from "@adaos/core/wire";
import { ServiceManager } from "@adaos/daemon";
import { ensureNatsServer, renderProgress } from "@adaos/nats-server";
import { findLayout, meshFileOf, readLayout } from "@adaos/provision";
import {
  type Asked,
  askHealth,
  assertNoUnitsRun,
  assertPlatform,
  type MeshHealth,
  NODE_FLAGS,
  type RunningMesh,
  resumeMesh,
  runningSupervisor,
  startMesh,
  untilAsked,
  waitUntilReady,
  whyBroken,
} from "@adaos/supervise";
import { Command, Option } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { PROGRAM_FILE } from "../../program-file.ts";
import { printHealth, tellViewer } from "../../terminal/print-health.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { endOf, toldError } from "../../terminal/told-error.ts";

const FIRST_RESUME_PAUSE_MS = 500;
const MAX_RESUME_PAUSE_MS = 10_000;
const GUARD_MS = 5000;

interface UpOptions extends StateOptions {
  readonly config?: string;
  readonly detach?: boolean;
  readonly resume?: boolean;
}

export function upCommand(terminal: Terminal): Command {
  return new Command("up")
    .description("start a mesh on this machine: its servers and all its daemons")
    .option(
      "--config <file>",
      "the mesh file (default: that of the last adaos up, else mesh.yaml or deploy/mesh.yaml)",
    )
    .addOption(stateOption())
    .option("--detach", "return when everything is ready; adaos down stops it")
    .addOption(new Option("--resume", "go on as the supervisor that has died").hideHelp())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos up --config deploy/mesh.yaml --detach && adaos status")
    .action(async (options: UpOptions) => {
      assertPlatform(process.platform);
      const stateDir = resolveStateDir(options.state);
      if (options.resume === true) return resumed(stateDir, terminal);
      await assertNoUnitsRun(stateDir);
      const hasJoined = options.config === undefined && findLayout(stateDir)?.joinedTo !== undefined;
      const configFile = hasJoined ? undefined : meshFileOf(options.config, stateDir);
      const health = options.detach === true ? await detached(configFile, stateDir, terminal) : undefined;
      if (health === undefined) return attached(configFile, stateDir, options.json === true, terminal);
      printHealth(health, options.json === true, terminal);
      tellViewer(health, terminal);
    });
}

async function attached(
  configFile: string | undefined,
  stateDir: string,
  json: boolean,
  terminal: Terminal,
): Promise<void> {
  const asked = untilAsked();
  const follow = followWhenTold(terminal);
  // Before any child starts, which would inherit the address of the service manager.
  const manager = ServiceManager.take(process.env, { warn: (_, event) => terminal.say(event) });
  const mesh = await startMesh(configFile, stateDir, PROGRAM_FILE, terminal.say);
  follow(mesh);
  let isUp = false;
  manager?.follow(() => ({ ...mesh.status, ready: isUp }));
  try {
    const ready = waitUntilReady(mesh.layout, stateDir, terminal.say, () =>
      asked.yet() ? "stopped" : undefined,
    );
    const health = await Promise.race([ready, asked.promise]);
    if (health === undefined) return;
    isUp = true;
    printHealth(health, json, terminal);
    tellViewer(health, terminal);
    terminal.say("up; Ctrl-C stops it");
    await asked.promise;
  } finally {
    terminal.say("stopping");
    await Promise.all([mesh.stop(), manager?.stopping()]);
    terminal.say("stopped");
  }
}

/** The command of the guard when the supervisor has died. No process waits for it, and nothing is printed. */
async function resumed(stateDir: string, terminal: Terminal): Promise<void> {
  const asked = untilAsked();
  const follow = followWhenTold(terminal);
  const mesh = await resumedOnce(stateDir, asked, terminal);
  if (mesh === undefined) return;
  try {
    follow(mesh);
    await asked.promise;
  } finally {
    await mesh.stop();
  }
}

/** A full disk or a broken file may delay the resumption for a while. Undefined when a signal stops it meanwhile. */
async function resumedOnce(
  stateDir: string,
  asked: Asked,
  terminal: Terminal,
): Promise<RunningMesh | undefined> {
  for (let pauseMs = FIRST_RESUME_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_RESUME_PAUSE_MS)) {
    try {
      return await resumeMesh(stateDir, PROGRAM_FILE, terminal.say);
    } catch (thrown) {
      terminal.say(`cannot go on yet: ${messageOf(thrown)}; trying again in ${pauseMs} ms`);
      await Promise.race([delay(pauseMs), asked.promise]);
      if (asked.yet()) return undefined;
    }
  }
}

/** From now on a signal makes the mesh follow its layout; an earlier signal takes effect once there is a mesh. */
function followWhenTold(terminal: Terminal): (mesh: RunningMesh) => void {
  // A full disk or a closed terminal: a lost message is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  let mesh: RunningMesh | undefined;
  let isTold = false;
  const follow = (): void => {
    isTold = true;
    mesh
      ?.follow()
      .catch((thrown: unknown) => terminal.say(`the change was not followed: ${messageOf(thrown)}`));
  };
  process.on("SIGUSR2", follow);
  return (running) => {
    mesh = running;
    if (isTold) follow();
  };
}

/** Starts `adaos up` as a separate process and waits until it is ready. */
async function detached(
  configFile: string | undefined,
  stateDir: string,
  terminal: Terminal,
): Promise<MeshHealth> {
  // Checks, and installs the server, before anything runs in the background.
  const broken = configFile === undefined ? undefined : whyBroken(configFile, stateDir);
  if (broken !== undefined) terminal.say(broken);
  // Another's folder: install nothing for it.
  if (existsSync(stateDir)) accessSync(stateDir, constants.R_OK | constants.W_OK | constants.X_OK);
  await ensureNatsServer({ onProgress: renderProgress() });
  if (runningSupervisor(stateDir) !== undefined) {
    terminal.say("already up");
    return waitUntilReady(readLayout(stateDir), stateDir, terminal.say, stoppedMeanwhile(stateDir));
  }
  const logFile = join(stateDir, "logs", "supervisor.log");
  const log = openOwnLog(logFile, "w");
  beginLog(log, logFile);
  const args = [
    ...NODE_FLAGS,
    PROGRAM_FILE,
    "up",
    ...(configFile === undefined ? [] : ["--config", configFile]),
    "--state",
    stateDir,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  child.unref();
  let ended: string | undefined;
  child.once("exit", () => {
    ended = readFileSync(logFile, "utf8").trim();
  });
  const deadlineMs = Date.now() + 30_000;
  while (runningSupervisor(stateDir) === undefined) {
    if (ended !== undefined)
      throw toldError(ended) ?? new MeshError("unavailable", `the mesh did not start:\n${endOf(ended)}`);
    if (Date.now() >= deadlineMs)
      throw new MeshError("unavailable", `the mesh did not start; see ${logFile}`);
    await delay(50);
  }
  const layout = readLayout(stateDir);
  await waitUntilReady(layout, stateDir, terminal.say, () => {
    if (ended === undefined) return undefined;
    const said = toldError(ended)?.message ?? `its log ends with:\n${endOf(ended)}`;
    return `the mesh was stopped before it was ready; ${said}`;
  });
  return askHealth(layout, stateDir);
}

/** Tells when a mesh that ran has no supervisor any more. A guard starts one that has died within this time. */
function stoppedMeanwhile(stateDir: string): () => string | undefined {
  let seenMs = performance.now();
  return () => {
    if (runningSupervisor(stateDir) !== undefined) seenMs = performance.now();
    if (performance.now() - seenMs < GUARD_MS) return undefined;
    return "the mesh that ran here was stopped meanwhile; start it with adaos up";
  };
}

/** On a full disk the log of the supervisor would not even say why it has ended. Throws the system's error. */
function beginLog(log: number, logFile: string): void {
  try {
    writeSync(log, `${new Date().toISOString()} adaos up\n`);
  } catch (thrown) {
    closeSync(log);
    throw Object.assign(thrown as Error, { path: logFile });
  }
}
