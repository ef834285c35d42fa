import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { resolveStateDir, writeSecret } from "@adaos/config";
import { delay, visibleJson } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { askStatus, NODE_FLAGS, untilAsked, VIEWER } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { PROGRAM_FILE } from "../../program-file.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { viewServeCommand } from "./serve.ts";
import { newToken, type RoleOptions, viewTokenCommand, withRole } from "./token/index.ts";

interface ViewOptions extends StateOptions, RoleOptions {
  readonly open: boolean;
}

const START_LIMIT_MS = 20_000;
const LOOK_MS = 100;

export function viewCommand(terminal: Terminal): Command {
  return withRole(new Command("view"))
    .enablePositionalOptions()
    .description("open the live viewer in a browser: events, mesh, dead letters, scenarios, policy, health")
    .option("--no-open", "only print the link")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe link signs in; whoever has it has its role. A mesh file with viewer: {} serves the",
    )
    .addHelpText("after", "viewer all the time; without one this command serves it until Ctrl-C.")
    .addHelpText("after", "\nExample:\n  adaos view --role viewer")
    .addCommand(viewTokenCommand(terminal))
    .addCommand(viewServeCommand())
    .action((options: ViewOptions) => view(options, terminal));
}

async function view(options: ViewOptions, terminal: Terminal): Promise<void> {
  const stateDir = resolveStateDir(options.state);
  readLayout(stateDir);
  const running = await addressOf(stateDir);
  if (running !== undefined) return tell(running, stateDir, options, terminal);
  const asked = untilAsked();
  const args = [...NODE_FLAGS, PROGRAM_FILE, "view", "serve", "--state", stateDir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  try {
    const url = await Promise.race([untilServed(stateDir), ended.then(() => undefined), asked.promise]);
    if (url === undefined) {
      if (!asked.yet()) process.exitCode = await ended;
      return;
    }
    tell(url, stateDir, options, terminal);
    terminal.say("serving it; Ctrl-C stops");
    await Promise.race([ended, asked.promise]);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

/** The address of the viewer that runs from this folder. */
async function addressOf(stateDir: string): Promise<string | undefined> {
  try {
    const url = (await askStatus(VIEWER, stateDir))?.status.parts["viewer"]?.details?.["url"];
    return typeof url === "string" ? url : undefined;
  } catch {
    // A run file of a process that has ended.
    return undefined;
  }
}

async function untilServed(stateDir: string): Promise<string | undefined> {
  for (const deadlineMs = Date.now() + START_LIMIT_MS; Date.now() < deadlineMs; await delay(LOOK_MS)) {
    const url = await addressOf(stateDir);
    if (url !== undefined) return url;
  }
  return undefined;
}

function tell(url: string, stateDir: string, options: ViewOptions, terminal: Terminal): void {
  const { token, expires } = newToken(stateDir, options);
  const link = `${url}/#token=${token}`;
  if (options.json === true) terminal.out(visibleJson({ url, link, role: options.role, expires }));
  else terminal.out(link);
  if (options.open && terminal.outIsTty) open(link, stateDir, terminal);
}

/** Others on this machine see the arguments of a process, so the browser gets a file of ours that leads to the link. */
function open(link: string, stateDir: string, terminal: Terminal): void {
  const program = { darwin: "open", win32: "explorer" }[process.platform as string] ?? "xdg-open";
  const hasScreen =
    program !== "xdg-open" ||
    process.env["DISPLAY"] !== undefined ||
    process.env["WAYLAND_DISPLAY"] !== undefined;
  if (!hasScreen) return;
  const file = join(stateDir, "viewer", "open.html");
  writeSecret(
    file,
    `<!doctype html><meta http-equiv="refresh" content="0;url=${link}"><a href="${link}">open</a>\n`,
  );
  const child = spawn(program, [pathToFileURL(file).href], { stdio: "ignore", detached: true });
  child.once("error", () => terminal.say("no browser could be started; open the link yourself"));
  child.unref();
}
