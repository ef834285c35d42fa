import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { until } from "../../../../test/kit/mesh.ts";
import { readSkill, type SkillDefinition, type SkillFile } from "./file/read-skill.ts";
import { HostedSkill } from "./host/hosted-skill.ts";
import { errorOfSkill } from "./process/error-of-skill.ts";
import { nodeRuntime } from "./process/launch.ts";
import { readMessage } from "./process/read-message.ts";
import { endGroup } from "./process/skill-process.ts";
import type { FromSkill } from "./protocol/messages.ts";
import type { SkillPort } from "./run/skill-port.ts";
import { SkillRunner } from "./run/skill-runner.ts";
import { codeStamp } from "./set/code-stamp.ts";
import { SkillProcesses } from "./set/leftovers.ts";
import { MemberSkillFiles } from "./set/member-files.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hostile-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

const EVENTS = "events:\n  subscribe: [ui.notify@1]\n";

describe("the error of a handler", () => {
  test.each(["toString", "__proto__", "constructor", "hasOwnProperty"])("may have the name %s", (name) => {
    const error = errorOfSkill({ name, message: "x" });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, message: "x" });
  });

  test("is cut where it is long, and loses what is wrong in it", () => {
    const error = {
      name: 5,
      message: "m".repeat(20_000),
      stack: "s".repeat(30_000),
      code: 7,
      retry_after_ms: -1,
    };
    const read = readMessage(JSON.stringify({ type: "failed", id: 1, error: { ...error, status: null } }));
    expect(read).toMatchObject({ type: "failed", error: { name: "Error", message: "m".repeat(10_000) } });
    expect(JSON.parse(JSON.stringify(read)).error).not.toHaveProperty("retry_after_ms");
  });
});

describe("HostedSkill", () => {
  type Context = Parameters<Parameters<typeof hosted>[0]>[1];
  function hosted(
    handler: (
      event: never,
      context: { log: { info(...args: unknown[]): void }; publish(...args: unknown[]): Promise<unknown> },
    ) => unknown,
  ): Promise<FromSkill[]> {
    const sent: FromSkill[] = [];
    const skill = new HostedSkill("x", { handlers: { "ui.ask@1": handler } }, (message) =>
      sent.push(message),
    );
    const event = { kind: "command", event_id: "E", data: {} } as never;
    skill.take({ type: "event", id: 1, handler: "ui.ask@1", attempt: 1, event });
    return until("it has ended", () => sent.some(({ type }) => type === "done" || type === "failed")).then(
      () => sent,
    );
  }

  test("sends no message that the daemon would take for garbage", async () => {
    const sent = await hosted(async (_, { log, publish }: Context) => {
      for (const fields of ["a text", [1], null, 5]) log.info("x", fields);
      log.info("x".repeat(3_000_000), { y: "y".repeat(3_000_000) });
      const codeOf = (error: { code?: string }) => error.code;
      return [
        await publish(undefined, {}).catch(codeOf),
        await publish("ui.notify@1", {}, { key: "k".repeat(600) }).catch(codeOf),
      ];
    });
    expect(sent.map((message) => typeof readMessage(JSON.stringify(message)))).toEqual(
      sent.map(() => "object"),
    );
    expect(sent.filter(({ type }) => type === "log").length).toBe(5);
    expect(sent.at(-1)).toMatchObject({ type: "done", value: ["usage", "usage"] });
  });

  test("fails a delivery whose reply is too long, and not the process", async () => {
    const sent = await hosted(() => "x".repeat(2_000_000));
    expect(sent).toMatchObject([{ type: "failed", error: { code: "too-large" } }]);
  });
});

describe("the folder of a skill", () => {
  test("with a skill.yaml that is a device or a pipe is not read", () => {
    symlinkSync("/dev/null", join(dir, "skill.yaml"));
    expect(() => readSkill(dir)).toThrow("is no plain file");
  });

  test("must have a name that a skill may have, unless its file has one", () => {
    const folder = join(dir, "My Skill");
    mkdirSync(folder);
    writeFileSync(join(folder, "index.mjs"), "");
    writeFileSync(join(folder, "skill.yaml"), EVENTS);
    expect(readSkill(folder).problems).toMatchObject([
      { line: 1, message: expect.stringContaining("rename") },
    ]);
    writeFileSync(join(folder, "skill.yaml"), `name: mine\n${EVENTS}`);
    expect(readSkill(folder).definition?.name).toBe("mine");
  });

  test("that has very many files is followed by skill.yaml alone", async () => {
    writeFileSync(join(dir, "skill.yaml"), EVENTS);
    for (let i = 0; i < 10_001; i++) writeFileSync(join(dir, `${i}.json`), "");
    const before = await codeStamp(dir);
    writeFileSync(join(dir, "a.mjs"), "");
    expect(await codeStamp(dir)).toBe(before);
    writeFileSync(join(dir, "skill.yaml"), `${EVENTS}\n`);
    expect(await codeStamp(dir)).not.toBe(before);
  });
});

describe("the processes of skills", () => {
  test("of another user are left, and disturb nobody", () => {
    vi.spyOn(process, "kill").mockImplementation(() => {
      throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
    });
    expect(() => endGroup(4_000_000)).not.toThrow();
  });

  test("start although they cannot be recorded", () => {
    writeFileSync(join(dir, "file"), "");
    const troubles: unknown[] = [];
    const processes = new SkillProcesses(new MemberSkillFiles(join(dir, "file")), (err) =>
      troubles.push(err),
    );
    processes.started(process.pid);
    expect(processes.endLeftovers()).toEqual([]);
    expect(troubles.length).toBeGreaterThan(1);
  });
});

describe("SkillRunner", () => {
  const silent = (): void => undefined;
  const port: SkillPort = {
    bus: { subscribe: async () => ({ stop: async () => undefined }) } as unknown as SkillPort["bus"],
    runtime: nodeRuntime(),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    newest: () => 1,
    policyProblem: () => undefined,
    openLog: () => ({ dropped: 0, write: silent, close: silent }),
  };
  /** A skill that tells its process id, and is ready after a while. */
  function skillOf(waitMs: number): [SkillFile, SkillDefinition] {
    const pids = JSON.stringify(join(dir, "pids"));
    const program = `
      require("fs").appendFileSync(${pids}, process.pid + "\\n");
      const ready = () => console.log(JSON.stringify({ type: "ready", handlers: ["ui.notify@1"] }));
      setTimeout(ready, ${waitMs});
      process.stdin.on("end", () => process.exit()).resume();`;
    writeFileSync(join(dir, "s.cjs"), program);
    writeFileSync(join(dir, "skill.yaml"), `name: x\ncommand: [${process.execPath}, s.cjs]\n${EVENTS}`);
    const file = readSkill(dir);
    if (file.definition === undefined) throw new Error(file.problems[0]?.message);
    return [file, file.definition];
  }
  const isAlive = (pid: string): boolean =>
    existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

  test.skipIf(process.platform !== "linux")(
    "has one process when the earlier one ends while a new one starts",
    async () => {
      const runner = new SkillRunner(...skillOf(0), port);
      runner.start();
      await until("it runs", () => runner.status().state === "running");
      const replaced = runner.replace(...skillOf(2000));
      process.kill(runner.status().pid ?? 0, "SIGKILL");
      expect(await replaced).toBeUndefined();
      await until("it runs again", () => runner.status().state === "running");
      const alive = readFileSync(join(dir, "pids"), "utf8").trim().split("\n").filter(isAlive);
      expect(alive).toEqual([String(runner.status().pid)]);
      await runner.stop("the test ends");
    },
  );
});
