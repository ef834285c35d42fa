import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, realpath, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { MeshError } from "@adaos/core";
import { libraryPath, unpackDebianPackage, unpackedDir } from "../install/debian-packages.ts";
import { findProgram } from "../install/find-program.ts";
import { ServerProcess } from "../server-process.ts";

const PACKAGE = "rabbitmq-server";
/** Debian's command on PATH requires its own user; this is the script that it calls. */
const SCRIPT = "usr/lib/rabbitmq/bin/rabbitmq-server";
const PLUGINS = "[rabbitmq_federation].\n";

interface RabbitProgram {
  readonly script: string;
  readonly epmd: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface Broker {
  /** Also the name of the host part of its Erlang node. */
  readonly name: string;
  readonly port: number;
  readonly distributionPort: number;
  readonly epmdPort: number;
  /** As `rabbitmqctl export_definitions` writes them. */
  readonly definitions: object;
}

async function findRabbit(): Promise<RabbitProgram | undefined> {
  const onPath = await findProgram("rabbitmq-server");
  const epmd = await findProgram("epmd");
  if (onPath !== undefined && epmd !== undefined) {
    const debians = join("/", SCRIPT);
    const script = existsSync(debians) ? debians : onPath;
    return { script: await realpath(script), epmd, env: process.env };
  }
  const root = unpackedDir(PACKAGE);
  const erlang = join(root, "usr/lib/erlang");
  if (!existsSync(join(root, SCRIPT))) return undefined;
  const runtime = (await readdir(erlang)).find((name) => name.startsWith("erts-"));
  if (runtime === undefined) return undefined;
  const bin = join(erlang, runtime, "bin");
  const env = {
    ...process.env,
    PATH: `${await erlScript(root, erlang, bin)}${delimiter}${process.env["PATH"] ?? ""}`,
    LD_LIBRARY_PATH: await libraryPath(root),
  };
  return { script: await realpath(join(root, SCRIPT)), epmd: join(bin, "epmd"), env };
}

/** Erlang's start script contains the path of its package. @returns the folder of our copy. */
async function erlScript(root: string, erlang: string, bin: string): Promise<string> {
  const dir = join(root, "start");
  const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;
  const lines = [
    "#!/bin/sh",
    `export ROOTDIR=${quoted(erlang)} BINDIR=${quoted(bin)} EMU=beam PROGNAME=erl`,
    `exec "$BINDIR/erlexec" "$@"`,
  ];
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "erl"), `${lines.join("\n")}\n`);
  await chmod(join(dir, "erl"), 0o755);
  return dir;
}

export async function isRabbitInstalled(): Promise<boolean> {
  return (await findRabbit()) !== undefined;
}

/** Rejects with `unavailable`. */
export async function installRabbit(say: (line: string) => void): Promise<void> {
  if (!(await isRabbitInstalled())) await unpackDebianPackage(PACKAGE, say);
}

/** Erlang's register of nodes: our own, which ends with the run. */
export async function startEpmd(port: number, dir: string): Promise<ServerProcess> {
  const { epmd: file, env } = await needRabbit();
  const args = ["-port", String(port), "-address", "127.0.0.1"];
  return ServerProcess.start("epmd", { file, args, dir, port, env });
}

/** Rejects with `unavailable`. */
export async function startBroker(broker: Broker, parentDir: string): Promise<ServerProcess> {
  const { script, env } = await needRabbit();
  const { name, port, distributionPort, epmdPort, definitions } = broker;
  const dir = join(parentDir, name);
  await mkdir(dir);
  const file = (of: string): string => join(dir, of);
  await writeFile(file("definitions.json"), JSON.stringify(definitions));
  await writeFile(file("plugins"), PLUGINS);
  const conf = {
    "listeners.tcp.1": `127.0.0.1:${port}`,
    cluster_name: name,
    load_definitions: file("definitions.json"),
    "log.console": "true",
    "log.console.level": "warning",
    "log.file": "false",
  };
  await writeFile(
    file("rabbitmq.conf"),
    Object.entries(conf)
      .map((entry) => `${entry.join(" = ")}\n`)
      .join(""),
  );
  return ServerProcess.start(`rabbitmq-${name}`, {
    file: script,
    args: [],
    dir,
    port,
    env: {
      ...env,
      HOME: dir,
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      RABBITMQ_NODENAME: `${name}@localhost`,
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      RABBITMQ_CONFIG_FILE: file("rabbitmq"),
      RABBITMQ_ADVANCED_CONFIG_FILE: file("advanced"),
      RABBITMQ_ENABLED_PLUGINS_FILE: file("plugins"),
      RABBITMQ_MNESIA_BASE: file("data"),
      RABBITMQ_LOG_BASE: file("log"),
      RABBITMQ_GENERATED_CONFIG_DIR: file("generated"),
      RABBITMQ_FEATURE_FLAGS_FILE: file("feature-flags"),
      RABBITMQ_PID_FILE: file("pid"),
      // Otherwise the script stays as the broker's parent, and a signal that ends it leaves the broker running.
      RUNNING_UNDER_SYSTEMD: "true",
    },
  });
}

/** Such as `3.10.8`, from the path of its scripts if it is there. */
export async function rabbitVersion(): Promise<string> {
  const { script } = await needRabbit();
  return /rabbitmq(?:_server-|\/)([\d.]+)/.exec(dirname(script))?.[1] ?? "unknown";
}

async function needRabbit(): Promise<RabbitProgram> {
  const program = await findRabbit();
  if (program === undefined)
    throw new MeshError("unavailable", "there is no rabbitmq-server with Erlang's epmd");
  return program;
}
