import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { messageOf } from "@adaos/core/wire";
import { resolveCacheDir, withDebianPackages } from "@adaos/nats-server";
import { until } from "./mesh.ts";

/** Programs of the Prometheus project, by our names. */
export interface MonitoringTools {
  readonly prometheus: string;
  readonly promtool: string;
  readonly alertmanager: string;
  readonly amtool: string;
  /** Words before Alertmanager's command line. */
  readonly before: readonly string[];
}

const PACKAGES = ["prometheus", "prometheus-alertmanager", "promtool"];
const INSTALL_MS = 240_000;
const READY_MS = 60_000;

let found: Promise<MonitoringTools | string> | undefined;

/** Those on PATH, else Debian's, unpacked into the cache the first time. A text: the reason why there are none. */
export function monitoringTools(): Promise<MonitoringTools | string> {
  found ??= find();
  return found;
}

async function find(): Promise<MonitoringTools | string> {
  const onPath = toolsIn((process.env["PATH"] ?? "").split(delimiter));
  if (onPath !== undefined) return onPath;
  const cacheDir = resolveCacheDir(process.env);
  const tree = join(cacheDir, "monitoring");
  const unpacked = (): MonitoringTools | undefined => toolsIn([join(tree, "usr/bin")]);
  try {
    if (unpacked() === undefined) {
      const options = { cacheDir, env: process.env, totalMs: INSTALL_MS, onProgress: () => undefined };
      await withDebianPackages(PACKAGES, options, async (fresh) => {
        rmSync(tree, { recursive: true, force: true });
        renameSync(fresh, tree);
      });
    }
    const tools = unpacked();
    if (tools === undefined) return `Debian's packages lack a program of ${PACKAGES.join(", ")}`;
    return { ...tools, before: withTemplates(join(tree, "usr/share/prometheus/alertmanager")) };
  } catch (thrown) {
    return `no Prometheus and Alertmanager on PATH, and none to be had: ${messageOf(thrown)}`;
  }
}

function toolsIn(folders: readonly string[]): MonitoringTools | undefined {
  const locate = (...names: readonly string[]): string | undefined =>
    folders.flatMap((folder) => names.map((name) => join(folder, name))).find((file) => existsSync(file));
  const prometheus = locate("prometheus");
  const promtool = locate("promtool");
  const alertmanager = locate("alertmanager", "prometheus-alertmanager");
  const amtool = locate("amtool");
  if (prometheus === undefined || promtool === undefined) return undefined;
  return alertmanager === undefined || amtool === undefined
    ? undefined
    : { prometheus, promtool, alertmanager, amtool, before: [] };
}

/** Debian's Alertmanager reads its templates from a fixed path, which a private mount namespace provides. */
function withTemplates(templates: string): readonly string[] {
  const place = "/usr/share/prometheus";
  const steps = [
    "mount -t tmpfs none /usr/share",
    `mkdir ${place}`,
    `ln -s "$0" ${place}/alertmanager`,
    'exec "$@"',
  ];
  return ["unshare", "--map-root-user", "--mount", "sh", "-c", steps.join(" && "), templates];
}

/** Runs one of them to its end. Rejects with its output when it finds a fault. */
export async function check(tool: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(tool, [...args], { cwd, timeout: 4 * READY_MS });
    return stdout + stderr;
  } catch (thrown) {
    const { stdout = "", stderr = "" } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${tool} ${args.join(" ")}\n${stdout}${stderr}`, { cause: thrown });
  }
}

/** A running server of theirs. */
export class ToolProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  #said = "";

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString()).slice(-8000);
      });
  }

  /** Resolves when it answers at `/-/ready`. */
  static async start(command: readonly string[], port: number, cwd: string): Promise<ToolProcess> {
    const url = `http://127.0.0.1:${port}`;
    const [tool = "", ...args] = [...command, `--web.listen-address=127.0.0.1:${port}`];
    const child = spawn(tool, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const started = new ToolProcess(url, child);
    try {
      await until(`${tool} is ready`, () => started.#isReady(), READY_MS);
    } catch (cause) {
      await started.stop();
      throw new Error(`${tool} did not start:\n${started.#said}`, { cause });
    }
    return started;
  }

  async #isReady(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}`);
    return await fetch(`${this.url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Its latest output. */
  get said(): string {
    return this.#said;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}
