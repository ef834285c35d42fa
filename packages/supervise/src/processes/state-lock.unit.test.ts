import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundled } from "../../../../test/kit/bundled.ts";
import { type ProcessRecord, recordOf } from "./process-table.ts";
import { isLock, lockHolder, type StateLock, takeLock } from "./state-lock.ts";

const SELF = recordOf("self", process.pid);
/** Another process has its id now. */
const DEAD: ProcessRecord = { ...SELF, identity: "1" };

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-lock-"));
});
afterEach(() => {
  rmSync(state, { recursive: true });
});

function taken(holder: ProcessRecord): StateLock {
  const lock = takeLock(state, "owner", holder);
  if (!isLock(lock)) throw new Error(`${lock.pid} holds it`);
  return lock;
}

describe("takeLock()", () => {
  test("gives it to one, tells who that is, and gives it again when it is released", () => {
    const lock = taken(SELF);
    expect(takeLock(state, "owner", SELF)).toEqual(SELF);
    expect(lockHolder(state, "owner")).toEqual(SELF);
    lock.release();
    expect(lockHolder(state, "owner")).toBeUndefined();
    taken(SELF);
  });

  test("is made anew by its holder where its file is gone or spoilt, and not once another one has it", () => {
    const lock = taken(SELF);
    rmSync(join(state, "locks"), { recursive: true });
    lock.renew();
    expect(lockHolder(state, "owner")).toEqual(SELF);
    writeFileSync(join(state, "locks/owner.1"), "{");
    lock.renew();
    expect(lockHolder(state, "owner")).toEqual(SELF);
    writeFileSync(join(state, "locks/owner.2"), JSON.stringify({ ...SELF, name: "other" }));
    lock.renew();
    expect(lockHolder(state, "owner")?.name).toBe("other");
  });

  test("is lost by a holder that has died, also when another process has its id", () => {
    taken(DEAD);
    expect(lockHolder(state, "owner")).toBeUndefined();
    taken(SELF);
    expect(lockHolder(state, "owner")).toEqual(SELF);
  });

  test("knows nothing of a lock of another name", () => {
    taken(SELF);
    expect(isLock(takeLock(state, "change", SELF))).toBe(true);
  });

  test("does not count a file that a slower one makes below the highest", () => {
    const first = taken(DEAD);
    taken(SELF);
    // The dead holder's file is gone; releasing creates one with a lower number.
    first.release();
    expect(lockHolder(state, "owner")).toEqual(SELF);
    expect(takeLock(state, "owner", SELF)).toEqual(SELF);
  });

  test("never has two holders at once, though they take it from the dead and die", async () => {
    const log = join(state, "log");
    writeFileSync(log, "");
    const program = `import { appendFileSync } from "node:fs";
      const [module, state, log, living] = process.argv.slice(1);
      const { takeLock, isLock } = await import(module);
      const self = JSON.parse(living);
      for (let i = 0; i < 60; i++) {
        const dies = i % 3 === 2;
        const lock = takeLock(state, "owner", dies ? { ...self, identity: "1" } : self);
        if (!isLock(lock) || dies) continue;
        appendFileSync(log, "in " + process.pid + "\\n");
        appendFileSync(log, "out " + process.pid + "\\n");
        lock.release();
      }`;
    const module = await bundled(new URL("./state-lock.ts", import.meta.url), state);
    const args = ["--input-type=module", "-e", program, module, state, log, JSON.stringify(SELF)];
    const takers = Array.from({ length: 4 }, () => spawn(process.execPath, args, { stdio: "inherit" }));
    const codes = await Promise.all(takers.map((taker) => once(taker, "exit")));
    expect(codes.map(([code]) => code)).toEqual([0, 0, 0, 0]);
    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(lines.length).toBeGreaterThan(10);
    for (let i = 0; i < lines.length; i += 2) {
      expect([lines[i]?.split(" ")[0], lines[i + 1]]).toEqual(["in", lines[i]?.replace("in", "out")]);
    }
  });
});
