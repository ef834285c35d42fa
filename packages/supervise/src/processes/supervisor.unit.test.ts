import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sealed } from "@adaos/nats-server";
import type { Layout } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isRunning, type ProcessRecord, readProcessTable } from "./process-table.ts";
import { Supervisor } from "./supervisor.ts";

/** A stand-in for nats-server: lives until it is stopped. */
const SERVER = `#!/bin/sh
echo "started with $*"
trap 'exit 0' TERM
while :; do sleep 0.05; done
`;

let dir: string;
let said: string[];
let restored: [string, string][];
let supervisor: Supervisor | undefined;
/** No program listens there. */
let url = "nats://127.0.0.1:1";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-supervisor-"));
  writeFileSync(join(dir, "server"), SERVER, { mode: 0o755 });
  said = [];
  restored = [];
  url = "nats://127.0.0.1:1";
});
afterEach(async () => {
  await supervisor?.stop();
  supervisor = undefined;
  rmSync(dir, { recursive: true });
});

const confOf = (name: string): string => join(dir, `${name}.conf`);

function supervise(...names: readonly string[]): Supervisor {
  for (const name of names) writeFileSync(confOf(name), sealed(`server_name: ${name}\n`), { flag: "a" });
  const layout: Layout = {
    mesh: "demo",
    configFile: "",
    registryDir: "",
    ports: {},
    servers: names.map((name) => ({
      name,
      of: name,
      url,
      systemSeedFile: "",
      configFile: confOf(name),
      seedFile: "",
      stream: "",
    })),
    nodes: [],
  };
  supervisor = new Supervisor({
    stateDir: dir,
    layout,
    programs: { natsServer: join(dir, "server"), adaos: join(dir, "adaos.mjs") },
    say: (line) => said.push(line),
    onRestored: (name, file) => restored.push([name, file]),
  });
  supervisor.start();
  return supervisor;
}

function child(name: string): ProcessRecord {
  const record = readProcessTable(dir)?.children.find((one) => one.name === name);
  if (record === undefined) throw new Error(`${name} is not in the table`);
  return record;
}

describe("Supervisor", () => {
  test("starts every process, records it, and keeps what it prints", async () => {
    supervise("nats-root", "nats-alpha");
    expect(readProcessTable(dir)?.supervisor.pid).toBe(process.pid);
    expect([isRunning(child("nats-root")), isRunning(child("nats-alpha"))]).toEqual([true, true]);
    await vi.waitFor(() =>
      expect(readFileSync(join(dir, "logs/nats-alpha.out"), "utf8")).toBe(
        `started with -c ${confOf("nats-alpha")}\n`,
      ),
    );
  });

  test("starts again what dies, and says so", async () => {
    supervise("nats-root");
    const first = child("nats-root");
    process.kill(first.pid, "SIGKILL");
    await vi.waitFor(() => {
      expect(child("nats-root").pid).not.toBe(first.pid);
      expect(isRunning(child("nats-root"))).toBe(true);
    }, 3000);
    expect(said).toEqual([
      expect.stringMatching(/^nats-root ended \(SIGKILL\); starting it again in 200 ms/),
    ]);
  });

  test("waits twice as long before each further start of what dies at once", async () => {
    writeFileSync(join(dir, "server"), "#!/bin/sh\nexit 3\n", { mode: 0o755 });
    supervise("nats-root");
    await vi.waitFor(() => expect(said).toHaveLength(2), 5000);
    expect(said.map((line) => line.split("; ")[0])).toEqual(Array(2).fill("nats-root ended (exit code 3)"));
    expect(said.map((line) => / in (\d+) ms/.exec(line)?.[1])).toEqual(["200", "400"]);
  });

  test("does not wait for the end of a long pause once a taken port is left", async () => {
    const taker = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => taker.listen(0, "127.0.0.1", resolve));
    const { port } = taker.address() as AddressInfo;
    url = `nats://127.0.0.1:${port}`;
    writeFileSync(
      join(dir, "server"),
      `#!${process.execPath}
      const server = require("node:net").createServer();
      server.once("error", () => process.exit(1)).listen(${port}, "127.0.0.1");
      process.once("SIGTERM", () => process.exit());`,
      { mode: 0o755 },
    );
    supervise("nats-root");
    await vi.waitFor(() => expect(said.at(-1)).toContain("in 10000 ms"), 20_000);
    const starts = said.length;
    taker.close();
    await vi.waitFor(() => expect(isRunning(child("nats-root"))).toBe(true), 8000);
    expect(said).toHaveLength(starts);
  }, 40_000);

  test("tries again, and says why, what cannot be started at all", async () => {
    rmSync(join(dir, "server"));
    supervise("nats-root");
    await vi.waitFor(() => expect(said[0]).toMatch(/^nats-root ended \(.*ENOENT\); starting it again/));
    expect(readProcessTable(dir)?.children).toEqual([]);
  });

  test("brings back its table and the config of a server, and starts no server by half a config", async () => {
    const running = supervise("nats-root");
    const [file, first] = [confOf("nats-root"), child("nats-root")];
    const whole = readFileSync(file, "utf8");
    rmSync(join(dir, "run"), { recursive: true });
    writeFileSync(file, whole.slice(0, 10));
    running.restoreFiles();
    expect([child("nats-root"), readFileSync(file, "utf8"), restored]).toEqual([
      first,
      whole,
      [["nats-root", file]],
    ]);

    rmSync(file);
    process.kill(first.pid, "SIGKILL");
    await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe(whole), 5000);
    await vi.waitFor(() => expect(isRunning(child("nats-root"))).toBe(true), 5000);

    for (const broken of [file, `${file}.last-good`]) writeFileSync(broken, "{{{");
    process.kill(child("nats-root").pid, "SIGKILL");
    await vi.waitFor(
      () => expect(said.at(-1)).toMatch(/nats-root\.conf is broken, and so is its copy/),
      5000,
    );
    expect(readProcessTable(dir)?.children).toEqual([]);
  });

  test("stops every process and forgets them, also when called twice", async () => {
    const running = supervise("nats-root", "nats-alpha");
    const records = [child("nats-root"), child("nats-alpha")];
    await Promise.all([running.stop(), running.stop()]);
    expect(records.map(isRunning)).toEqual([false, false]);
    expect(existsSync(join(dir, "run/processes.json"))).toBe(false);
    expect(said).toEqual([]);
  });

  test("starts nothing again once it is stopped", async () => {
    const running = supervise("nats-root");
    process.kill(child("nats-root").pid, "SIGKILL");
    await vi.waitFor(() => expect(said).toHaveLength(1));
    await running.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(existsSync(join(dir, "run/processes.json"))).toBe(false);
  });
});
