import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { CliResult } from "./mesh.ts";

const MANAGER = "/usr/lib/systemd/systemd";
const CGROUPS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
/** Units that systemd and ordinary services ask for; empty, since nothing else runs in the namespace. */
const EMPTY_TARGETS = ["default", "sysinit", "basic", "shutdown", "network", "multi-user"];
const START_LIMIT_MS = 20_000;

/** Becomes the first process of new namespaces: private mounts, then systemd. */
const ENTER = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd /run/lock
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t proc proc /proc
mount -t tmpfs tmpfs /etc/systemd/system
mount -t tmpfs tmpfs /var/cache
for name in ${EMPTY_TARGETS.join(" ")}; do
  printf '[Unit]\\nDefaultDependencies=no\\n' > /etc/systemd/system/$name.target
done
# A container manager shares its mounts with systemd: credentials are mounted in one namespace for another.
mount --make-rshared /
echo ready > "$0"
export container=adaos-test SYSTEMD_UNIT_PATH=/etc/systemd/system
exec ${MANAGER} --system --log-target=console --log-level=notice
`;

/** A real systemd as the first process of its own namespaces. It manages nothing but the units of a test. */
export class SystemdManager {
  readonly #child: ChildProcess;
  readonly #cgroup: string;
  /** Process id of systemd, seen from here. */
  readonly #pid: number;

  private constructor(child: ChildProcess, cgroup: string, pid: number) {
    this.#child = child;
    this.#cgroup = cgroup;
    this.#pid = pid;
  }

  /** A text: the reason why none can run here. */
  static async start(dir: string): Promise<SystemdManager | string> {
    const problem = whyNot();
    if (problem !== undefined) return problem;
    const base = CGROUPS.find((path) => existsSync(join(path, "cgroup.controllers"))) ?? "";
    const cgroup = join(base, `adaos-test-${process.pid}-${Date.now()}`);
    mkdirSync(cgroup);
    const mark = join(dir, "entered");
    const script = `echo $$ > ${cgroup}/cgroup.procs && exec unshare --mount --pid --cgroup --ipc --uts --fork --kill-child sh -c "$1" "$0"`;
    let said = "";
    const child = spawn("sh", ["-c", script, mark, ENTER], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-8000);
      });
    const deadlineMs = Date.now() + START_LIMIT_MS;
    for (;;) {
      const pid = systemdIn(cgroup);
      if (existsSync(mark) && pid !== undefined) {
        const manager = new SystemdManager(child, cgroup, pid);
        if ((await manager.run("systemctl", "is-active", "default.target")).code === 0) return manager;
      }
      if (child.exitCode !== null || Date.now() > deadlineMs) {
        child.kill("SIGKILL");
        removeCgroups(cgroup);
        return `systemd does not start in namespaces here: ${said.trim().split("\n").slice(-3).join("; ")}`;
      }
      await pause(50);
    }
  }

  /** Runs a program within the namespaces, as root. */
  run(program: string, ...args: readonly string[]): Promise<CliResult> {
    const inside = ["-t", String(this.#pid), "-m", "-p", "-C", "-i", "-u", "--", program, ...args];
    return new Promise((resolve) => {
      execFile("nsenter", inside, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** One property of a unit. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.run("systemctl", "show", "--value", "-p", name, unit)).stdout.trim();
  }

  /** Kills everything in the namespaces. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    try {
      process.kill(this.#pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
    if (this.#child.exitCode === null && this.#child.signalCode === null) await ended;
    removeCgroups(this.#cgroup);
  }
}

function whyNot(): string | undefined {
  if (process.platform !== "linux") return "systemd runs on Linux only";
  if (process.getuid?.() !== 0) return "only root can give systemd its own namespaces";
  if (!existsSync(MANAGER)) return `no ${MANAGER} on this machine`;
  if (!CGROUPS.some((path) => existsSync(join(path, "cgroup.controllers"))))
    return "no cgroup2 is mounted here";
  return undefined;
}

/** The process named systemd of this group or of init.scope below it. */
function systemdIn(cgroup: string): number | undefined {
  for (const group of [cgroup, join(cgroup, "init.scope")]) {
    if (!existsSync(group)) continue;
    for (const pid of readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
      try {
        if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "systemd") return Number(pid);
      } catch {
        // It has ended.
      }
    }
  }
  return undefined;
}

function removeCgroups(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroups(join(dir, entry.name));
  try {
    rmdirSync(dir);
  } catch {
    // A process in it is still ending; an empty group costs nothing.
  }
}
