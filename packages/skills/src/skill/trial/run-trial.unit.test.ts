import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileRegistry, loadRegistry } from "@adaos/registry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME } from "../../../../../test/kit/mesh.ts";
import { writeNewFiles } from "../../new-files.ts";
import { planSkill } from "../file/new-skill.ts";
import { nodeRuntime } from "../process/launch.ts";
import { runTrial, type TrialReport } from "./run-trial.ts";

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };
const MANIFEST = "version: 1.0.0\nevents:\n  subscribe: [nlp.intent.detected@1]\n  publish: [ui.notify@1]\n";

let dir: string;
let registry: FileRegistry;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "trial-"));
  registry = await loadRegistry(join(HOME, "schemas/events"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const pythonProblem = ((): string | undefined => {
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "there is no python3";
  }
})();

/** As the bundle runs it. */
const tryOut = (folder: string): Promise<TrialReport> => {
  const hostFile = join(HOME, "packages/cli/bundle/skill-host.js");
  return runTrial(folder, { registry, runtime: { ...nodeRuntime(), hostFile }, log: SILENT });
};

function write(name: string, module: string, manifest = MANIFEST): string {
  const folder = join(dir, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "skill.yaml"), manifest);
  writeFileSync(join(folder, "index.mjs"), module);
  return folder;
}

const handling = (body: string): string =>
  `export const handlers = { "nlp.intent.detected@1": async (event, ctx) => {\n${body}\n} };\n`;

describe("runTrial()", () => {
  test("gives each example to the example skill, and notes what it publishes", async () => {
    const { cases, problems } = await tryOut(join(HOME, "examples/skills/greeter"));
    expect(problems).toEqual([]);
    expect(cases.map(({ ok, published }) => [ok, published[0]?.data])).toEqual([
      [true, { text: "heard lights.on", level: "info" }],
      [true, { text: "heard greet", level: "info" }],
    ]);
  });

  test.skipIf(pythonProblem !== undefined)(
    `speaks the protocol with a skill in Python${pythonProblem === undefined ? "" : ` (${pythonProblem})`}`,
    async () => {
      const { cases, problems } = await tryOut(join(HOME, "examples/skills/intents"));
      expect(problems).toEqual([]);
      expect(cases.map(({ ok, published }) => [ok, published[0]?.data])).toEqual([
        [true, { text: "lights.on: 1" }],
        [true, { text: "greet: 1" }],
      ]);
    },
  );

  test.each(["js", "python"] as const)("handles the examples with a new skill in %s", async (language) => {
    if (language === "python" && pythonProblem !== undefined) return;
    writeNewFiles(planSkill({ dir, name: `new-${language}`, language }, registry));
    const { cases, problems } = await tryOut(join(dir, `new-${language}`));
    expect([problems, cases.map(({ ok }) => ok)]).toEqual([[], [true, true]]);
  });

  test("tells what the schema refuses, also where the handler does not await it", async () => {
    const awaited = await tryOut(write("wrong", handling("await ctx.publish('ui.notify@1', { txt: 'x' });")));
    const missed = await tryOut(write("missed", handling("ctx.publish('ui.notify@1', { txt: 'x' });")));
    for (const { cases } of [awaited, missed]) {
      expect(cases[0]).toMatchObject({ ok: false, error: expect.stringContaining("/text is required") });
      expect(cases[0]?.published).toMatchObject([{ event: "ui.notify@1", error: expect.any(String) }]);
    }
  });

  test("lets a handler catch what is refused", async () => {
    const caught = handling(
      "await ctx.publish('timer.tick@1', {}).catch((e) => ctx.publish('ui.notify', { text: e.code }));",
    );
    const { cases } = await tryOut(write("caught", caught));
    expect(cases[0]).toMatchObject({ ok: true, published: [{ data: { text: "denied" } }] });
  });

  test("answers a command with the example of its reply", async () => {
    const asking = handling(
      "const { data } = await ctx.request('repo.skill.install@1', { skill: 'weather' });\nctx.publish('ui.notify@1', { text: data.status });",
    );
    const manifest = MANIFEST.replace("[ui.notify@1]", "[ui.notify@1, repo.skill.install@1]");
    const { cases } = await tryOut(write("asking", asking, manifest));
    expect(cases[0]?.published.map(({ event, data }) => [event, data])).toContainEqual([
      "ui.notify@1",
      { text: "installed" },
    ]);
  });

  test("runs start() before the first event", async () => {
    const module = `let ready = false;\nexport const start = async () => { ready = true; };\n${handling("await ctx.publish('ui.notify@1', { text: String(ready) });")}`;
    const { cases } = await tryOut(write("starting", module));
    expect(cases[0]?.published[0]?.data).toEqual({ text: "true" });
  });

  test.each([
    ["no handlers", "export const handler = {};", /exports no handlers/],
    [
      "a handler that is no function",
      'export const handlers = { "nlp.intent.detected@1": 1 };',
      /is no function/,
    ],
    ["a syntax error", "\nexport const = 1;", /bad\/index.mjs:2 SyntaxError/],
    ["a module that is not there", '\nimport "./none.mjs";', /Cannot find module/],
    ["a process that ends itself", "process.exit(3);", /ended with exit code 3/],
  ])("says why a skill with %s does not run", async (_, module, why) => {
    const { problems, cases } = await tryOut(write("bad", module));
    expect(cases).toEqual([]);
    expect(problems[0]).toMatch(why);
  });

  test("says that a command cannot be started", async () => {
    const folder = write("no-command", "", `command: [no-such-program]\n${MANIFEST}`);
    expect((await tryOut(folder)).problems[0]).toMatch(/cannot be started: spawn no-such-program ENOENT/);
  });

  test("ends a command that writes something else to its standard output", async () => {
    const folder = write("talker", "", `command: [node, -e, "console.log('hello')"]\n${MANIFEST}`);
    expect((await tryOut(folder)).problems[0]).toMatch(/it wrote a line that is no JSON: hello/);
  });
});
