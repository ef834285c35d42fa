import { execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT_CODES } from "@adaos/cli/exit-codes";
import { MESH_ERROR_CODES } from "@adaos/core";
import { METRICS, NODE_METRICS } from "@adaos/core/wire";
import { ensureNatsServer } from "@adaos/nats-server";
import { connect, nkeyAuthenticator, nkeys } from "nats";
import { describe, expect, test } from "vitest";
import { adaos, HOME, TestMesh, until } from "../kit/mesh.ts";

const read = (path: string): string => readFileSync(join(HOME, path), "utf8");

/** The fenced blocks of a Markdown text in one language. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, tag, text = ""]) =>
    tag === language ? [text] : [],
  );
}

function bash(script: string, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      "bash",
      ["-euo", "pipefail", "-c", script],
      { cwd: HOME, env: { ...process.env, ...env } },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: out + err });
      },
    );
  });
}

describe("README.md", () => {
  const readme = read("README.md");

  test("its commands work one after the other, as they stand there", async () => {
    const script = blocks(readme, "sh").find((block) => block.includes("adaos up")) ?? "";
    expect(script.trim().split("\n")).toHaveLength(7);
    // With its viewer, which other tests do without.
    const yaml = read("deploy/mesh.yaml").replace(/^viewer: .*$/m, "viewer: {}");
    const mesh = await TestMesh.start({ yaml });
    await mesh.adaos(["down"]);
    try {
      const { code, output } = await bash(script, { ADAOS_STATE: mesh.state });
      expect(output).toMatch(/http:\/\/127\.0\.0\.1:\d+\/#token=/);
      expect(output).toContain("Tea is ready");
      expect(output).toContain("doing lights.on");
      expect(code).toBe(0);
    } finally {
      await mesh.stop();
    }
  });

  test("its program is the one in examples/", () => {
    expect(blocks(readme, "js")).toContain(read("examples/hello.mjs"));
  });

  test("its third subnet is a few lines more in deploy/mesh.yaml, and receives", async () => {
    const [, gamma = ""] = (blocks(readme, "yaml")[0] ?? "").split("subnets:\n");
    const mesh = await TestMesh.start({ yaml: read("deploy/mesh.yaml") + gamma });
    try {
      const shed = await mesh.connect("gamma/shed");
      const seen: string[] = [];
      await shed.subscribe("ui.notify", { durable: "screen" }, ({ event_id }) => seen.push(event_id));
      const kitchen = await mesh.connect("alpha/kitchen");
      const { eventId } = await kitchen.publish("ui.notify", { text: "to the shed" });
      await until("it arrives in gamma", () => seen.includes(eventId));
      expect((await mesh.adaos(["status"])).stdout).toMatch(/link +down gamma +ready/);
    } finally {
      await mesh.stop();
    }
  });

  test("npm start -- --once shows events both ways and a refusal, then leaves nothing running", async () => {
    const state = join(HOME, ".adaos-test-start");
    const child = spawn(process.execPath, ["scripts/start.mjs", "--once", "--state", state], { cwd: HOME });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += String(chunk)));
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(output).toMatch(/arrived +alpha\/kitchen -> beta\/desk +nlp\.intent\.detected/);
    expect(output).toMatch(/arrived +beta\/desk -> alpha\/speaker +ui\.notify/);
    expect(output).toMatch(/refused +alpha\/kitchen +repo\.skill\.installed .*default-deny/);
    expect(code).toBe(0);
    expect((await adaos(["status"], { env: { ADAOS_STATE: state } })).code).toBe(69);
    expect(readdirSync(join(state, "run"))).toEqual([]);
    await bash(`rm -r ${JSON.stringify(state)}`, {});
  });

  test("npm start ends everything at Ctrl-C", async () => {
    const state = join(HOME, ".adaos-test-stop");
    const child = spawn(process.execPath, ["scripts/start.mjs", "--state", state], {
      cwd: HOME,
      detached: true,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += String(chunk)));
    const exited = new Promise((resolve) => child.once("exit", resolve));
    await until("it is up", () => output.includes("Ctrl-C stops everything"), 90_000);
    // As a terminal does it: to the whole process group.
    process.kill(-(child.pid ?? 0), "SIGINT");
    expect(await exited).toBe(0);
    expect(readdirSync(join(state, "run"))).toEqual([]);
    await bash(`rm -r ${JSON.stringify(state)}`, {});
  });
});

describe("nats.conf", () => {
  test("starts a server with a healthy JetStream, and lets nobody in", async () => {
    const mesh = await TestMesh.start();
    await mesh.adaos(["down"]);
    const ports = {
      4222: mesh.server("root").url,
      7422: mesh.server("beta").url,
    };
    let text = read("nats.conf").replace(".adaos/store/root", join(mesh.dir, "store"));
    for (const [port, url] of Object.entries(ports)) text = text.replaceAll(port, new URL(url).port);
    const file = join(mesh.dir, "nats.conf");
    writeFileSync(file, text);
    const server = spawn((await ensureNatsServer()).path, ["-c", file]);
    try {
      let told = "";
      server.stderr.on("data", (chunk) => {
        told += String(chunk);
      });
      // It starts JetStream first, and ends where it cannot.
      await until(
        "it is ready",
        () => told.includes("Starting JetStream") && told.includes("Server is ready"),
      );
      const authenticator = nkeyAuthenticator(nkeys.createUser().getSeed());
      await expect(connect({ servers: mesh.server("root").url, authenticator })).rejects.toThrow(
        /authorization/i,
      );
    } finally {
      server.kill();
      await mesh.stop();
    }
  });
});

describe("docs/reference/errors.md", () => {
  test("lists every code with its exit code", () => {
    const rows = [...read("docs/reference/errors.md").matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)].map(
      ([, code, exit]) => [code, Number(exit)],
    );
    expect(rows.map(([code]) => code).sort()).toEqual([...MESH_ERROR_CODES].sort());
    expect(Object.fromEntries(rows)).toEqual(EXIT_CODES);
  });
});

describe("docs/reference/metrics.md", () => {
  test("lists the catalogue, word for word", () => {
    const rows = [
      ...read("docs/reference/metrics.md").matchAll(/^\| `(adaos_\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm),
    ];
    const wanted = [...Object.values(METRICS), ...Object.values(NODE_METRICS)].map(
      ({ name, type, labels, help }) => [name, type, labels.map((label) => `\`${label}\``).join(", "), help],
    );
    expect(rows.map(([, name, type, labels, help]) => [name, type, labels, help])).toEqual(wanted);
  });
});

describe("ARCHITECTURE.md", () => {
  const architecture = read("ARCHITECTURE.md");

  test("names files that exist", () => {
    const named = [...architecture.matchAll(/`([a-z-]+\/src\/[a-z/-]+\.ts)`/g)].map(([, path]) => path ?? "");
    expect(named.length).toBeGreaterThan(10);
    for (const path of named) expect(read(join("packages", path)).length, path).toBeGreaterThan(0);
  });

  test("gives a reason for every runtime dependency", () => {
    const table = read("docs/decisions/dependencies.md");
    for (const name of readdirSync(join(HOME, "packages"))) {
      const { dependencies } = JSON.parse(read(`packages/${name}/package.json`)) as {
        dependencies: Record<string, string>;
      };
      for (const dependency of Object.keys(dependencies)) {
        if (!dependency.startsWith("@adaos/"))
          expect(table, `of packages/${name}`).toContain(`\`${dependency}\``);
      }
    }
  });

  test("dependencies between packages point from the bottom of its list to the top", () => {
    const [, list = ""] = /## Packages(.*?)\n## /s.exec(architecture) ?? [];
    const order = list
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => [...(line.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, name]) => name ?? ""));
    expect(order.flat().sort()).toEqual(readdirSync(join(HOME, "packages")).sort());
    const rank = new Map(order.flatMap((names, i) => names.map((name) => [name, i] as const)));
    for (const [name, own] of rank) {
      const { dependencies } = JSON.parse(read(`packages/${name}/package.json`)) as {
        dependencies: Record<string, string>;
      };
      for (const dependency of Object.keys(dependencies).filter((key) => key.startsWith("@adaos/"))) {
        expect(rank.get(dependency.slice("@adaos/".length)), `${name} needs ${dependency}`).toBeLessThan(own);
      }
    }
  });
});
