import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bundled } from "../../../../test/kit/bundled.ts";
import { isRunning, recordOf } from "./process-table.ts";
import { startWaiting } from "./waiting-child.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-waiting-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

describe("startWaiting()", () => {
  test("runs nothing before it is let go, and then under the id that it had", async () => {
    const sign = join(dir, "sign");
    const { child, go } = startWaiting("/bin/sh", ["-c", `echo $$ > ${sign}`], join(dir, "out"));
    const record = recordOf("child", child.pid ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([existsSync(sign), isRunning(record)]).toEqual([false, true]);
    go();
    await once(child, "exit");
    expect(readFileSync(sign, "utf8")).toBe(`${child.pid}\n`);
  });

  test("runs nothing at all when it is abandoned", async () => {
    const sign = join(dir, "sign");
    const { child, abandon } = startWaiting("/bin/sh", ["-c", `echo > ${sign}`], join(dir, "out"));
    abandon();
    await once(child, "exit");
    expect(existsSync(sign)).toBe(false);
  });

  test("runs nothing when whoever started it is killed before he could write it down", async () => {
    const module = await bundled(new URL("./waiting-child.ts", import.meta.url), dir);
    const sign = join(dir, "sign");
    const script = `const { startWaiting } = await import(${JSON.stringify(module)});
      const { child } = startWaiting("/bin/sh", ["-c", "echo > ${sign}; sleep 60"], "${join(dir, "out")}");
      console.log(child.pid);
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [printed] = (await once(starter.stdout, "data")) as [Buffer];
    const record = recordOf("child", Number(printed));
    expect(isRunning(record)).toBe(true);
    starter.kill("SIGKILL");
    await vi.waitFor(() => expect(isRunning(record)).toBe(false), 5000);
    expect(existsSync(sign)).toBe(false);
  });

  test("throws why a program cannot be started", () => {
    expect(() => startWaiting(join(dir, "none"), [], join(dir, "out"))).toThrow(
      /cannot start .*none: ENOENT/,
    );
  });
});
