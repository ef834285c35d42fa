import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { markerOf } from "./plan-units.ts";
import { compareUnits, removeUnits, unitDirOf, writeUnits, writtenUnits } from "./unit-files.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-units-"));
});

afterEach(() => rmSync(dir, { recursive: true }));

const unit = (name: string, body = "", state = "/s") => ({ name, text: `# ${markerOf(state)}\n${body}` });

describe("compareUnits()", () => {
  test("finds units to write, to leave and to remove", () => {
    writeUnits(
      [unit("adaos-demo-a.service"), unit("adaos-demo-b.service"), unit("adaos-demo-c.service")],
      dir,
    );
    const planned = [
      unit("adaos-demo-a.service"),
      unit("adaos-demo-b.service", "new"),
      unit("adaos-demo.target"),
    ];
    const { write, unchanged, remove } = compareUnits(planned, dir, "/s");
    expect(write.map(({ name }) => name)).toEqual(["adaos-demo-b.service", "adaos-demo.target"]);
    expect(unchanged).toEqual(["adaos-demo-a.service"]);
    expect(remove).toEqual(["adaos-demo-c.service"]);
  });

  test.each([
    ["another state folder", unit("x", "", "/other").text, "/other"],
    ["an administrator", "[Service]\nExecStart=/bin/true\n", "remove it"],
    ["an administrator, empty", "", "remove it"],
  ])("refuses a file of the same name that belongs to %s", (_, text, hint) => {
    writeFileSync(join(dir, "adaos-demo-a.service"), text);
    expect(() => compareUnits([unit("adaos-demo-a.service")], dir, "/s")).toThrow(hint);
  });

  test("does not take the units of a folder whose path begins alike", () => {
    writeUnits([unit("adaos-demo-a.service", "", "/s2"), unit("adaos-demo-b.service", "", "/s")], dir);
    expect(writtenUnits(dir, "/s")).toEqual(["adaos-demo-b.service"]);
  });
});

describe("writeUnits()", () => {
  test("writes none when one cannot be written", () => {
    const units = [unit("adaos-demo-a.service"), { name: `${"x".repeat(300)}.service`, text: "" }];
    expect(() => writeUnits(units, dir)).toThrow("nothing was changed");
    expect(readdirSync(dir)).toEqual([]);
  });

  test("makes the folder, and replaces a unit as a whole", () => {
    const folder = join(dir, "systemd/user");
    writeUnits([unit("adaos-demo-a.service", "old")], folder);
    writeUnits([unit("adaos-demo-a.service", "new")], folder);
    expect(readdirSync(folder)).toEqual(["adaos-demo-a.service"]);
    expect(readFileSync(join(folder, "adaos-demo-a.service"), "utf8")).toContain("new");
  });

  test("names the folder that is a file", () => {
    writeFileSync(join(dir, "file"), "");
    expect(() => writeUnits([unit("adaos-demo-a.service")], join(dir, "file"))).toThrow(join(dir, "file"));
  });
});

describe("removeUnits()", () => {
  test("leaves files of others, and drop-ins", () => {
    writeUnits([unit("adaos-demo-a.service")], dir);
    writeFileSync(join(dir, "sshd.service"), "");
    mkdirSync(join(dir, "adaos-demo-a.service.d"));
    removeUnits(writtenUnits(dir, "/s"), dir);
    expect(readdirSync(dir).sort()).toEqual(["adaos-demo-a.service.d", "sshd.service"]);
  });
});

describe("unitDirOf()", () => {
  test("is the folder of the administrator, or of the user", () => {
    expect(unitDirOf("system", {})).toBe("/etc/systemd/system");
    expect(unitDirOf("user", { HOME: "/home/a" })).toBe("/home/a/.config/systemd/user");
    expect(unitDirOf("user", { HOME: "/home/a", XDG_CONFIG_HOME: "/c" })).toBe("/c/systemd/user");
  });
});
