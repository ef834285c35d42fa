import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh } from "../kit/mesh.ts";

const SEED = Number(process.env["ADAOS_TEST_SEED"] ?? 1 + Math.floor(Math.random() * 2 ** 30));

const YAML = `
mesh: chaos
registry: ../schemas/events
chaos: allowed
subnets:
  alpha:
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
  beta:
    import: [ui.]
    members:
      desk: { subscribe: [ui.] }
`;

describe("adaos chaos", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(() => mesh.stop());

  test("inject hits a running mesh, which loses nothing and needs nobody", async () => {
    const report = join(mesh.dir, "reports", "chaos.md");
    const { code, stdout, stderr } = await mesh.ask([
      ...["chaos", "inject", "--iterations", "8", "--pause", "0", "--seed", String(SEED), "--json"],
      ...["--faults", "kill,take-port,terminate,hang,cut-link,slow", "--report", report],
    ]);
    expect(code, `seed ${SEED}\n${stdout}${stderr}`).toBe(0);
    const lines = stdout.trim().split("\n");
    const samples = lines.slice(0, -1).map((line) => JSON.parse(line) as { fault: string; flow_ms: number });
    expect(samples).toHaveLength(8);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      seed: SEED,
      interventions: 0,
      lost: [],
      doubled: [],
    });
    expect(readFileSync(report, "utf8")).toContain("The mesh kept what it promises.");
  }, 240_000);

  test("inject plans the same faults for the same seed, and does nothing with --dry-run", async () => {
    const args = ["chaos", "inject", "--iterations", "5", "--seed", "3", "--dry-run", "--json"];
    const [first, second] = [await mesh.adaos(args), await mesh.adaos(args)];
    expect(first.stdout.trim().split("\n")).toHaveLength(5);
    expect(second.stdout).toBe(first.stdout);
  });

  test("what may lose events wants to be confirmed, and a fault that is none is told", async () => {
    const lossy = await mesh.adaos(["chaos", "inject", "--faults", "flip-bit"]);
    expect(lossy).toMatchObject({ code: 64, stderr: expect.stringContaining("confirm with --yes") });
    const unknown = await mesh.adaos(["chaos", "inject", "--faults", "explode"]);
    expect(unknown).toMatchObject({ code: 64, stderr: expect.stringContaining("there are kill, hang") });
  });

  test("check balances what flows, and a book goes on where it was", async () => {
    const book = join(mesh.dir, "book.jsonl");
    const args = ["chaos", "check", "--duration", "1", "--rate", "50", "--book", book, "--json"];
    const first = JSON.parse((await mesh.adaos(args)).stdout) as { published: number };
    const { code, stdout } = await mesh.adaos(args);
    const both = JSON.parse(stdout) as { published: number; effects: number };
    expect(code, stdout).toBe(0);
    expect(both.published).toBeGreaterThan(first.published);
    expect(both.effects).toBe(both.published);
  });

  test("check tells a publish that took no effect", async () => {
    const book = join(mesh.dir, "forged.jsonl");
    const lines = ["publishing", "published"].map((what) =>
      JSON.stringify({ what, id: "never-sent", atMs: 0 }),
    );
    writeFileSync(book, `${lines.join("\n")}\n`);
    const { code, stdout } = await mesh.adaos([
      "chaos",
      "check",
      "--duration",
      "1",
      "--book",
      book,
      "--json",
    ]);
    expect(code).toBe(70);
    expect(JSON.parse(stdout)).toMatchObject({ lost: ["never-sent"] });
  });

  test("stress asks each daemon, and writes what they answer", async () => {
    const file = join(mesh.dir, "stress.jsonl");
    const args = ["chaos", "stress", "--duration", "1", "--interval", "1", "--output", file, "--json"];
    const { code, stdout } = await mesh.adaos(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ samples: 5 });
    expect(readFileSync(file, "utf8").trim().split("\n")).toHaveLength(5);
  });

  test("a mesh that does not allow it is left alone", async () => {
    // As adaos up writes it of a mesh file without the line.
    const file = join(mesh.state, "mesh.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"chaos": "allowed",', ""));
    for (const command of ["inject", "check", "stress"]) {
      const refused = await mesh.adaos(["chaos", command]);
      expect(refused).toMatchObject({ code: 77, stderr: expect.stringContaining('"chaos: allowed"') });
    }
  });
});
