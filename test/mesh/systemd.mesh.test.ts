import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@adaos/client";
import { ensureNatsServer } from "@adaos/nats-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, HOME, until } from "../kit/mesh.ts";
import { SystemdManager } from "../kit/systemd-manager.ts";

const CLI = join(HOME, "packages/cli/bin/adaos.mjs");
const LIMIT_MS = 120_000;
const KITCHEN = "adaos-demo-alpha_kitchen.service";
const SERVER = "adaos-demo-nats-alpha.service";
const USER = { name: "nobody", uid: 65_534, group: "nogroup" };

const dir = mkdtempSync(join(tmpdir(), "adaos-systemd-"));
// Every sign that means something to systemd.
const state = join(dir, 'state %n $HOME "1"');
const seen = join(state, "seen");
const meshFile = join(dir, "mesh.yaml");
const started = await SystemdManager.start(dir);
const reason = typeof started === "string" ? started : undefined;
const manager = started as SystemdManager;

const MESH = `
mesh: demo
registry: ${join(HOME, "schemas/events")}
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.], subscribe: [ui.], skills: [skills] }
      desk: { publish: [ui.] }
`;
const SKILL = "name: slow\nversion: 1.0.0\nevents:\n  subscribe: [ui.notify@1]\n";
/** Takes two seconds, and records its begin and its end. */
const HANDLERS = `import { appendFileSync } from "node:fs";
const note = (text) => appendFileSync(${JSON.stringify(seen)}, text + "\\n");
export const handlers = { "ui.notify@1": async ({ data }) => {
  note("begin " + data.text);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  note("end " + data.text);
} };
`;

const adaos = (...args: string[]): Promise<CliResult> =>
  manager.run(process.execPath, CLI, ...args, "--state", state);
const systemctl = (...args: string[]): Promise<CliResult> => manager.run("systemctl", ...args);
const seenLines = (): string[] => (existsSync(seen) ? readFileSync(seen, "utf8").trim().split("\n") : []);
const mainPid = (unit: string): Promise<string> => manager.property(unit, "MainPID");

async function succeeded(run: Promise<CliResult>): Promise<CliResult> {
  const result = await run;
  if (result.code !== 0) throw new Error(`exit code ${result.code}\n${result.stdout}${result.stderr}`);
  return result;
}

async function publish(text: string): Promise<void> {
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const bus = await connect({ as: "alpha/desk", state, log });
  await bus.publish("ui.notify@1", { text });
  await bus.close();
}

afterAll(async () => {
  if (reason === undefined) await manager.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe.skipIf(reason !== undefined)(`units of systemd${reason === undefined ? "" : ` (${reason})`}`, () => {
  beforeAll(async () => {
    mkdirSync(join(dir, "skills/slow"), { recursive: true });
    writeFileSync(join(dir, "skills/slow/skill.yaml"), SKILL);
    writeFileSync(join(dir, "skills/slow/index.mjs"), HANDLERS);
    writeFileSync(meshFile, MESH);
    await succeeded(adaos("install", "systemd", "--config", meshFile, "--now"));
  }, 2 * LIMIT_MS);

  test("become active when every part is ready", { timeout: LIMIT_MS }, async () => {
    expect(await manager.property(KITCHEN, "ActiveState")).toBe("active");
    expect(await manager.property(KITCHEN, "StatusText")).toBe("ready");
    await succeeded(adaos("status"));
  });

  test("have nothing that systemd-analyze verify complains of", { timeout: LIMIT_MS }, async () => {
    const units =
      "systemd-analyze verify /etc/systemd/system/adaos-demo*.service /etc/systemd/system/adaos-demo.target";
    expect(await succeeded(manager.run("sh", "-c", units))).toMatchObject({ stdout: "", stderr: "" });
  });

  test("stay as they are when nothing has changed", { timeout: LIMIT_MS }, async () => {
    const pid = await mainPid(KITCHEN);
    const { stderr } = await succeeded(adaos("install", "systemd", "--now"));
    expect(stderr).toContain("all 7 units were there already");
    expect(await mainPid(KITCHEN)).toBe(pid);
  });

  test("show a member its own keys only, and no store", { timeout: LIMIT_MS }, async () => {
    const within = async (path: string): Promise<number> =>
      (await manager.run("nsenter", "-t", await mainPid(KITCHEN), "-m", "--", "ls", path)).code;
    expect(await within(join(state, "nodes"))).toBe(0);
    expect(await within(join(state, "keys/alpha/hub.nk"))).not.toBe(0);
    expect(await within(join(state, "store/alpha"))).not.toBe(0);
    expect(await within(`/run/credentials/${KITCHEN}/alpha_members_kitchen.nk`)).toBe(0);
  });

  test("keep the address of systemd from skills", { timeout: LIMIT_MS }, async () => {
    const group = `/sys/fs/cgroup${await manager.property(KITCHEN, "ControlGroup")}/cgroup.procs`;
    const pids = (await manager.run("cat", group)).stdout.trim().split("\n");
    const skill = pids.find((pid) => pid !== pids[0]);
    const { stdout } = await succeeded(manager.run("cat", `/proc/${skill}/environ`));
    expect(stdout).toContain("ADAOS_SKILL=slow");
    expect(stdout).not.toMatch(/NOTIFY_SOCKET|CREDENTIALS/);
  });

  test("are not run a second time by adaos up, nor stopped by adaos down", {
    timeout: LIMIT_MS,
  }, async () => {
    for (const verb of ["up", "down"]) {
      const { code, stderr } = await adaos(verb);
      expect(code).toBe(69);
      expect(stderr).toContain("stop it with sudo systemctl stop adaos-demo.target");
    }
  });

  test("restart a daemon that hangs", { timeout: LIMIT_MS }, async () => {
    const folder = `/etc/systemd/system/${KITCHEN}.d`;
    const dropIn = `mkdir -p ${folder} && printf '[Service]\\nWatchdogSec=8\\nRestartSec=0\\n' > ${folder}/short.conf`;
    await succeeded(manager.run("sh", "-c", dropIn));
    await succeeded(systemctl("daemon-reload"));
    await succeeded(systemctl("restart", KITCHEN));
    const pid = await mainPid(KITCHEN);
    const restarts = Number(await manager.property(KITCHEN, "NRestarts"));
    await succeeded(manager.run("kill", "-STOP", pid));
    await until(
      "restarted",
      async () => Number(await manager.property(KITCHEN, "NRestarts")) > restarts,
      LIMIT_MS,
    );
    await until(
      "active",
      async () => (await manager.property(KITCHEN, "ActiveState")) === "active",
      LIMIT_MS,
    );
    expect(await mainPid(KITCHEN)).not.toBe(pid);
  });

  test("finish the event in handling when they stop", { timeout: LIMIT_MS }, async () => {
    await publish("first");
    await until("begun", () => seenLines().includes("begin first"), LIMIT_MS);
    await succeeded(systemctl("stop", "adaos-demo.target"));
    // The server is the last to stop.
    await until(
      "stopped",
      async () => (await manager.property(SERVER, "ActiveState")) === "inactive",
      LIMIT_MS,
    );
    expect(await manager.property(KITCHEN, "Result")).toBe("success");
    expect(seenLines()).toEqual(["begin first", "end first"]);
    await succeeded(systemctl("start", "adaos-demo.target"));
    await publish("second");
    await until("handled", () => seenLines().includes("end second"), LIMIT_MS);
    expect(seenLines()).toEqual(["begin first", "end first", "begin second", "end second"]);
  });

  test("give way to one unit with the supervisor", { timeout: LIMIT_MS }, async () => {
    const { stderr } = await succeeded(adaos("install", "systemd", "--supervisor", "--now"));
    expect(stderr).toContain(`${KITCHEN} was stopped and removed`);
    const unit = "adaos-demo-supervisor.service";
    expect(await manager.property(unit, "ActiveState")).toBe("active");
    const pid = await mainPid(unit);
    await succeeded(manager.run("kill", "-KILL", pid));
    await until("restarted", async () => !["0", pid].includes(await mainPid(unit)), LIMIT_MS);
    await until("active", async () => (await manager.property(unit, "ActiveState")) === "active", LIMIT_MS);
    const second = await adaos("up");
    expect(second).toMatchObject({ code: 69, stderr: expect.stringContaining("a mesh already runs from") });
    await succeeded(adaos("down"));
    await until(
      "stopped",
      async () => (await manager.property(unit, "ActiveState")) === "inactive",
      LIMIT_MS,
    );
  });

  test("are removed without the data", { timeout: LIMIT_MS }, async () => {
    const dry = await succeeded(adaos("uninstall", "systemd", "--dry-run"));
    expect(dry.stderr).toContain("would remove 2 units");
    await succeeded(adaos("uninstall", "systemd", "--yes"));
    const left = await manager.run("sh", "-c", "ls /etc/systemd/system | grep adaos");
    expect(left.stdout).toBe(`${KITCHEN}.d\n`);
    expect(existsSync(join(state, "mesh.json"))).toBe(true);
  });
});

describe.skipIf(reason !== undefined)("units of a user's systemd", () => {
  const home = join(dir, "home");
  const env = [
    `HOME=${home}`,
    `XDG_RUNTIME_DIR=/run/user/${USER.uid}`,
    `ADAOS_NATS_SERVER=${home}/nats-server`,
  ];
  const asUser = (...command: string[]): Promise<CliResult> =>
    manager.run(
      "setpriv",
      `--reuid=${USER.name}`,
      `--regid=${USER.group}`,
      "--clear-groups",
      "env",
      ...env,
      ...command,
    );
  const property = async (name: string): Promise<string> =>
    (await asUser("systemctl", "--user", "show", "--value", "-p", name, KITCHEN)).stdout.trim();

  beforeAll(async () => {
    chmodSync(dir, 0o755);
    mkdirSync(home);
    copyFileSync((await ensureNatsServer({})).path, join(home, "nats-server"));
    await succeeded(manager.run("chown", "-R", `${USER.name}:${USER.group}`, home));
    await succeeded(manager.run("install", "-d", "-m", "0700", "-o", USER.name, `/run/user/${USER.uid}`));
    const unit = [
      `[Service]\nUser=${USER.name}\nType=notify\nDelegate=yes\nKillMode=mixed`,
      ...env.map((pair) => `Environment=${pair}`),
      "ExecStart=/usr/lib/systemd/systemd --user",
    ];
    writeFileSync(join(dir, "manager.service"), `${unit.join("\n")}\n`);
    await succeeded(manager.run("cp", join(dir, "manager.service"), "/etc/systemd/system/"));
    await succeeded(systemctl("daemon-reload"));
    await succeeded(systemctl("start", "manager.service"));
  }, LIMIT_MS);

  test("start, become ready and are removed", { timeout: LIMIT_MS }, async () => {
    const own = ["--state", join(home, "state")];
    const install = ["install", "systemd", "--user", "--config", meshFile, "--now", ...own];
    await succeeded(asUser(process.execPath, CLI, ...install));
    expect(await property("ActiveState")).toBe("active");
    expect(await property("StatusText")).toBe("ready");
    await succeeded(asUser(process.execPath, CLI, "uninstall", "systemd", "--user", "--yes", ...own));
    expect(await property("ActiveState")).toBe("inactive");
  });
});
