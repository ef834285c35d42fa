import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { delay } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { whileLocked } from "../apply/change-lock.ts";
import { followRoot } from "./follow-root.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-follow-"));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const NOT_JOINED = { code: "usage", message: expect.stringContaining("join with a new code") };

describe("followRoot()", () => {
  test("says what to do in a folder that has joined nothing", async () => {
    await expect(followRoot(state, 0)).rejects.toMatchObject(NOT_JOINED);
  });

  test("waits for another change of the folder, and no longer than it is told", async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const other = whileLocked(state, () => ended);
    await expect(followRoot(state, 0)).rejects.toMatchObject({ code: "unavailable" });
    await expect(followRoot(state, 100)).rejects.toMatchObject({ code: "unavailable" });
    let isOver = false;
    const follows = expect(followRoot(state, 60_000).finally(() => (isOver = true))).rejects.toMatchObject(
      NOT_JOINED,
    );
    // Longer than it takes to find the lock taken.
    await delay(120);
    expect(isOver).toBe(false);
    end();
    await Promise.all([other, follows]);
  });
});
