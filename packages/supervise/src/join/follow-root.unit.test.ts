import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { whileLocked } from "../apply/change-lock.ts";
import { assertSameNode, followRoot } from "./follow-root.ts";

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
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const other = whileLocked(state, () => ended);
    await expect(followRoot(state, 0)).rejects.toMatchObject({ code: "unavailable" });
    await expect(followRoot(state, 100)).rejects.toMatchObject({ code: "unavailable" });
    const follows = followRoot(state, 60_000);
    end();
    await expect(follows).rejects.toMatchObject(NOT_JOINED);
    await other;
  });
});

describe("assertSameNode()", () => {
  test("refuses the files of another node, and names both", () => {
    const joined = { subnet: "alpha", member: "kitchen" };
    assertSameNode(joined, { subnet: "alpha", member: "kitchen" }, "/state");
    assertSameNode({ subnet: "alpha" }, { subnet: "alpha" }, "/state");
    for (const offer of [{ subnet: "beta", member: "kitchen" }, { subnet: "alpha" }])
      expect(() => assertSameNode(joined, offer, "/state")).toThrow(
        expect.objectContaining({
          code: "invalid-config",
          message: expect.stringMatching(
            /runs alpha\/kitchen, and its root knows it as (beta\/kitchen|alpha\/hub);/,
          ),
        }),
      );
  });
});
