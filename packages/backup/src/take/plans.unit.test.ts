import { describe, expect, test } from "vitest";
import type { Manifest } from "../file/manifest.ts";
import { bookAfter, movedPaths } from "../restore/restore-plan.ts";
import { commonFolder } from "./mesh-files.ts";
import { isKeptPath, isOf, isPassing, restingName } from "./state-plan.ts";

describe("files of the state folder", () => {
  test("of a process become files that nobody owns; their age stays", () => {
    const name = "4711-206254-0123456789abcdef.4026531836-0mh2k3abc-00ff00ff00ff.marks";
    expect(restingName(name)).toBe("left-0mh2k3abc-00ff00ff00ff.marks");
    expect(restingName("left-0mh2k3abc-00ff00ff00ff.outbox")).toBe("left-0mh2k3abc-00ff00ff00ff.outbox");
    expect(restingName("mesh.json")).toBe("mesh.json");
    expect(restingName("refused.jsonl")).toBe("refused.jsonl");
  });

  test("belong to subnets by their names", () => {
    expect(isOf("marks/alpha_kitchen/x.marks", ["alpha"])).toBe(true);
    expect(isOf("marks/beta_desk/x.marks", ["alpha"])).toBe(false);
    expect(isOf("positions/alpha_hub.json", ["root"])).toBe(false);
    expect(isOf("positions/root.json", ["root"])).toBe(true);
    expect(isOf("positions/root.json", ["alpha"])).toBe(false);
    expect(isOf("keys/alpha/hub.nk", ["beta"])).toBe(true);
    expect(isOf("marks/beta_desk/x.marks", undefined)).toBe(true);
  });

  test("are restored only where a backup has them", () => {
    expect(isKeptPath("positions/root.json", "state", false)).toBe(true);
    expect(isKeptPath("keys/alpha/hub.nk", "secret", false)).toBe(true);
    expect(isKeptPath("keys/alpha/hub.nk", "state", false)).toBe(false);
    expect(isKeptPath("positions/root.json", "secret", false)).toBe(false);
    for (const path of ["mesh.json", "nodes/alpha/hub.json", "servers/alpha.conf"]) {
      expect(isKeptPath(path, "state", true)).toBe(true);
      expect(isKeptPath(path, "state", false)).toBe(false);
    }
    for (const path of ["processes.json", "locks/owner.1", "store/root/x", "skills/a_b/processes.json"])
      expect(isKeptPath(path, "state", true)).toBe(false);
  });

  test("of what runs stay out", () => {
    expect(isPassing("skills/alpha_speaker/processes.json")).toBe(true);
    expect(isPassing("skills/alpha_speaker/logs/scribe.log")).toBe(true);
    expect(isPassing("skills/alpha_speaker/installed/logs.mjs")).toBe(false);
    expect(isPassing("outbox/a_b/left-1-2.outbox.new")).toBe(true);
  });
});

describe("paths", () => {
  test("have a folder in common", () => {
    expect(commonFolder(["/a/b", "/a/bc/d", "/a/b/c"])).toBe("/a");
    expect(commonFolder(["/a/b"])).toBe("/a/b");
    expect(commonFolder(["/a", "/b"])).toBe("/");
  });

  test("of a joined folder move with it", () => {
    const text = `{"a":"/old/state/nodes/x.json","b":"/old/state2/x","c":"see /old/state/x"}`;
    expect(movedPaths(text, "/old/state", "/new")).toBe(
      `{"a":"/new/nodes/x.json","b":"/old/state2/x","c":"see /old/state/x"}`,
    );
  });
});

describe("bookAfter", () => {
  const manifest = (servers: readonly string[], remote: readonly string[]): Manifest => ({
    mesh: "home",
    host: "here",
    stateDir: "/state",
    remote,
    missing: [],
    hasKeys: false,
    began: "2026-01-01T00:00:00.000Z",
    ended: "2026-01-01T00:00:01.000Z",
    servers: servers.map((of) => ({ of, streams: [] })),
    files: [],
  });
  const now = (stream: string) =>
    stream === "GONE" ? undefined : { created: "2026-02-02T00:00:00Z", durables: {} };

  test("names streams as they were made anew, and forgets others", () => {
    const book = { version: 1, streams: { EVENTS_a: { created: "old", lastSeq: 7 }, GONE: { lastSeq: 1 } } };
    expect(bookAfter(book, "a", manifest(["root", "a"], []), now)).toEqual({
      version: 1,
      streams: { EVENTS_a: { created: "2026-02-02T00:00:00Z", durables: {}, lastSeq: 7 } },
      open: {},
    });
  });

  test("a hub without its root asks it for what came since", () => {
    const { open } = bookAfter({ open: { kept: "x" } }, "a", manifest(["a"], []), now);
    expect(open).toMatchObject({ kept: "x" });
    expect(JSON.parse(open?.["lost"] ?? "{}")).toMatchObject({ since: "2026-01-01T00:00:00.000Z" });
  });

  test("a root asks the hubs of other machines, from where it had taken their events", () => {
    const marks = [{ links: { places: { far: 3 } } }, { links: { places: { far: 41 } } }, {}];
    const { open } = bookAfter(
      { streams: { MESH: { marks } } },
      "root",
      manifest(["root", "a"], ["far", "new"]),
      now,
    );
    expect(open).toEqual({ "resend far": "42", "resend new": "1" });
  });
});
