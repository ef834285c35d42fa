import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh } from "../kit/mesh.ts";

/** Runs a program as its user does. Resolves with what it printed. */
function node(script: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: HOME, env: { ...process.env, ...env }, timeout: 60_000 };
    execFile(process.execPath, [join(HOME, script)], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${script}: ${error.message}\n${stderr}`));
    });
  });
}

const FOUR_CASES = ["good: success at attempt 1", "flaky: success at attempt 2"];
const COUNTS = "handled 2, retried 3, dead letters 2";

describe("the examples, in a mesh within one process", () => {
  const env = { ADAOS_MESH: "examples/local.yaml" };

  test("hello.mjs goes across two subnets and back, with no server anywhere", async () => {
    expect(await node("examples/hello.mjs", env)).toBe("doing lights.on\n");
  });

  test("four-cases.mjs ends each of its events as it should", async () => {
    const lines = (await node("examples/four-cases.mjs", env)).trim().split("\n");
    expect(lines).toEqual(expect.arrayContaining(FOUR_CASES));
    expect(lines.at(-1)).toBe(COUNTS);
  });
});

describe("the examples, on a real mesh", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start();
  });
  afterAll(async () => {
    await mesh.stop();
  });

  test("four-cases.mjs leaves what an operator finds: failed 1, dead letter 1, retry candidates 1", async () => {
    const lines = (await node("examples/four-cases.mjs", { ADAOS_STATE: mesh.state })).trim().split("\n");
    expect(lines).toEqual(expect.arrayContaining(FOUR_CASES));
    expect(lines.at(-1)).toBe(COUNTS);
    const status = await mesh.adaos(["events", "status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({
      records: { retrying: 0, success: 1, failed: 1, dead_letter: 1 },
      dead_letters: { transient: 1, permanent: 1, unknown: 0 },
      retry_candidates: { transient: 1, unknown: 0 },
    });
    const metrics = await mesh.adaos(["events", "metrics", "--node", "alpha/speaker", "--json"]);
    // The member's own daemon has counted the same events at its durable.
    expect(JSON.parse(metrics.stdout)).toMatchObject({
      outcomes: { failed: 1, dead_letter: 1 },
      by_category: { transient: 4, permanent: 1 },
      retries: { total: 3 },
    });
  });

  test("a local mesh is nothing to start", async () => {
    const up = await mesh.adaos(["up", "--config", join(HOME, "examples/local.yaml"), "--detach"]);
    expect([up.code, up.stderr]).toEqual([64, expect.stringContaining("transport: local")]);
  });
});
