import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { MeshError } from "@adaos/core";
import type { Scope } from "./unit-files.ts";

/** Stops and starts wait for the processes. */
const LIMIT_MS = 240_000;
/** Messages of short-lived processes, such as ours, got lost before. */
const MIN_VERSION = 247;
const BOOTED = "/run/systemd/system";

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs systemctl. Rejects with `unavailable` and its words when it fails. */
export async function systemctl(scope: Scope, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run("systemctl", [...(scope === "user" ? ["--user"] : []), ...args]);
  if (code === 0) return stdout;
  const words = `systemctl ${scope === "user" ? "--user " : ""}${args.join(" ")}`;
  throw new MeshError("unavailable", `${words} failed: ${stderr.trim() || `exit code ${code}`}`);
}

/** Those of the units that run, start or stop now. */
export async function activeUnits(scope: Scope, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const flags = scope === "user" ? ["--user"] : [];
  const { stdout } = await run("systemctl", [...flags, "is-active", ...names]).catch(() => ({ stdout: "" }));
  const states = stdout.split("\n");
  return names.filter((_, i) => /^(?:active|activating|reloading|deactivating)$/.test(states[i] ?? ""));
}

/** Rejects with `unavailable` where no systemd manages services that can tell it how they are. */
export async function assertSystemd(scope: Scope): Promise<void> {
  if (!existsSync(BOOTED))
    throw new MeshError(
      "unavailable",
      `systemd does not run this machine (no ${BOOTED}); use adaos up --detach, or --unit-dir DIR to write units for another machine`,
    );
  const { stdout } = await run("systemctl", ["--version"]);
  const version = Number(/^systemd (\d+)/.exec(stdout)?.[1]);
  if (!(version >= MIN_VERSION))
    throw new MeshError(
      "unavailable",
      `systemd ${Number.isNaN(version) ? "of an unknown version" : version} is too old: ${MIN_VERSION} or newer is needed; use adaos up --detach`,
    );
  await run("systemd-notify", ["--version"]);
  if (scope === "user") await assertUserManager();
}

async function assertUserManager(): Promise<void> {
  const { code, stderr } = await run("systemctl", ["--user", "show-environment"]);
  if (code === 0) return;
  throw new MeshError(
    "unavailable",
    `your user has no running systemd manager (${stderr.trim()}); log in as this user, not by su or sudo, or leave out --user and run as root`,
  );
}

/** Rejects with `unavailable` when the program cannot be started. */
function run(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: LIMIT_MS, encoding: "utf8" }, (error, stdout, stderr) => {
      const { code = 0 } = (error ?? {}) as { code?: number | string | null };
      if (typeof code === "number") resolve({ code, stdout, stderr });
      else
        reject(
          new MeshError(
            "unavailable",
            `${program} cannot be run (${code ?? "took too long"}); is systemd installed?`,
            {
              cause: error,
            },
          ),
        );
    });
  });
}
