import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemTrouble } from "./system-trouble.ts";

function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}

describe("systemTrouble()", () => {
  test("names the file, what is wrong and what to do, for errors of the real system", () => {
    const dir = mkdtempSync(join(tmpdir(), "adaos-trouble-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, "file");
    writeFileSync(file, "");
    expect(systemTrouble(thrownBy(() => readFileSync(dir)))).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("it is a folder, where a file should be"),
    });
    const below = join(file, "below");
    expect(systemTrouble(thrownBy(() => mkdirSync(below)))?.message).toBe(
      `${below}: a part of its path is a file; name another path, or move that file away`,
    );
    expect(systemTrouble(thrownBy(() => writeWhole(below, "")))?.message).toContain(`${file}: a part of`);
    expect(systemTrouble(thrownBy(() => writeWhole("/proc/none/file", "")))?.message).toBe(
      "/proc/none: no folder can be made there; name another path",
    );
  });

  test("tells the same of an error of ours that ends with the system's words", () => {
    const cause = thrownBy(() => readFileSync("/"));
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      path: "x",
    });
    const told = (code: "usage" | "invalid-config", why = cause): MeshError | undefined =>
      systemTrouble(MeshError.from(why, code, "nothing was made in demo"));
    expect(told("usage")).toMatchObject({
      code: "usage",
      message: expect.stringMatching(
        /^nothing was made in demo: .*it is a folder, where a file should be; name/,
      ),
    });
    expect(told("invalid-config")?.code).toBe("invalid-config");
    // No other path on the command line would help.
    expect(told("usage", full)).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("x: its disk is full"),
    });
    expect(systemTrouble(new MeshError("usage", "another text", { cause }))).toBeUndefined();
    expect(systemTrouble(MeshError.from(new Error("no"), "usage", "what"))).toBeUndefined();
  });

  test("names the address that is taken", async () => {
    const first = createServer();
    onTestFinished(() => void first.close());
    await new Promise<void>((resolve) => first.listen(0, "127.0.0.1", resolve));
    const { port } = first.address() as { readonly port: number };
    const error = await new Promise<Error>((resolve) =>
      createServer().once("error", resolve).listen(port, "127.0.0.1"),
    );
    expect(systemTrouble(error)?.message).toBe(
      `127.0.0.1:${port}: another program listens there; end it, or name another port`,
    );
  });

  test.each([
    ["EACCES", "/x/y: this user may not read or write it"],
    ["EROFS", "/x/y: it is on a read-only file system"],
    ["ENOSPC", "/x/y: its disk is full"],
  ])("%s says: %s", (code, text) => {
    expect(systemTrouble(Object.assign(new Error(code), { code, path: "/x/y" }))?.message).toContain(text);
  });

  test("names the file that was to be written, not the one that takes its place", () => {
    const error = Object.assign(new Error("EACCES"), { code: "EACCES", path: "/x/key.0a1b2c3d4e5f.new" });
    expect(systemTrouble(error)?.message).toMatch(/^\/x\/key: /);
  });

  test("a full disk while an open file is written has no path, and keeps the system's words", () => {
    const error = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    expect(systemTrouble(error)?.message).toMatch(
      /^a file \(ENOSPC: no space left on device, write\): its disk/,
    );
  });

  test.each([
    new TypeError("x is not a function"),
    Object.assign(new Error("no such file"), { code: "ENOENT", path: "/x" }),
    Object.assign(new Error("own"), { code: "toString" }),
    "text",
    undefined,
  ])("is undefined for what may be a bug: %s", (thrown) => {
    expect(systemTrouble(thrown)).toBeUndefined();
  });
});
