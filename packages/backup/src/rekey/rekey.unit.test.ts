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
import { keyChangeFile, markStore, newStoreKey, storeKeyIdOf } from "@adaos/nats-server";
import { writeLayout } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { planRekey } from "./rekey-mesh.ts";
import { rekeyStore } from "./rekey-store.ts";

let state: string;
let store: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-rekey-unit-"));
  store = join(state, "store/root");
  mkdirSync(store, { recursive: true });
});
afterEach(() => rmSync(state, { recursive: true }));

describe("planRekey()", () => {
  const plan = (fromFile: string | undefined, toFile: string | undefined) =>
    planRekey({ stateDir: state, fromFile, toFile, onStream: () => undefined });
  const keyIn = (path: string): string => {
    const file = join(state, path);
    newStoreKey(file);
    return file;
  };

  beforeEach(() => {
    const names = { name: "nats-root", of: "root", url: "nats://127.0.0.1:1", stream: "MESH" };
    const server = { ...names, configFile: "/c", seedFile: "/s", systemSeedFile: "/t" };
    const layout = { mesh: "home", registryDir: "/r", ports: {}, nodes: [] };
    writeLayout(state, { ...layout, servers: [server] });
  });

  test.each(["store/root/new.key", "store/root.new-key/new.key", "store/new.key"])(
    "refuses a key at %s, which would be removed with the old streams",
    (path) => {
      const inside = keyIn(path);
      symlinkSync(inside, join(state, "link.key"));
      for (const file of [inside, join(state, "link.key")])
        expect(() => plan(undefined, file)).toThrow(/in the folder of the streams/);
      expect(plan(undefined, keyIn("new.key"))).toHaveLength(1);
    },
  );

  test("refuses a store whose place no other folder can take", () => {
    rmSync(store, { recursive: true });
    mkdirSync(join(state, "disk"));
    symlinkSync(join(state, "disk"), store);
    expect(() => plan(undefined, keyIn("new.key"))).toThrow(/is a link or a disk of its own/);
  });

  test("refuses encrypted streams whose record is lost", () => {
    const stream = join(store, "jetstream/ROOT/streams/MESH");
    mkdirSync(stream, { recursive: true });
    writeFileSync(join(stream, "meta.key"), "sealed");
    const [from, to] = [keyIn("old.key"), keyIn("new.key")];
    expect(() => plan(undefined, to)).toThrow(/are encrypted, and .*key-id/);
    expect(() => plan(from, to)).toThrow(/if it is the given key, write its id/);
  });
});

describe("an interrupted change of the key", () => {
  const fresh = (): string => `${store}.new-key`;
  const old = (): string => `${store}.old-key`;
  const put = (dir: string, text: string): void => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "streams"), text);
  };
  const book = (): string => join(state, "positions/root.json");

  /** What a process leaves that was killed at each step; the last one has only its record left. */
  test.each<[string, () => void]>([
    [
      "before the old streams moved",
      () => {
        put(store, "old");
        put(fresh(), "fresh");
      },
    ],
    [
      "after they moved, and an empty folder took their place",
      () => {
        put(old(), "old");
        put(fresh(), "fresh");
      },
    ],
    [
      "after the fresh ones took their place",
      () => {
        put(old(), "old");
        put(store, "fresh");
      },
    ],
    ["at its end", () => put(store, "fresh")],
  ])("goes on %s, whichever keys are given", async (_, leave) => {
    leave();
    markStore(store, existsSync(old()) ? undefined : "0123456789abcdef");
    const places = { created: "now", durables: {} };
    const swap = { toId: "fedcba9876543210", restored: { MESH: places } };
    writeFileSync(keyChangeFile(store), JSON.stringify(swap));
    mkdirSync(join(state, "positions"));
    writeFileSync(
      book(),
      JSON.stringify({ streams: { MESH: { created: "then" }, OTHER: { created: "then" } } }),
    );
    const change = {
      of: "root",
      storeDir: store,
      fromFile: "/new",
      toFile: "/old",
      toId: "0000000000000000",
    };
    const options = { stateDir: state, program: "/nothing", onStream: () => undefined };
    const sound = readFileSync(book(), "utf8");
    writeFileSync(book(), "{");
    await expect(rekeyStore(change, options)).rejects.toThrow(/root.json cannot be changed; move it away/);
    writeFileSync(book(), sound);
    await rekeyStore(change, options);
    expect(readFileSync(join(store, "streams"), "utf8")).toBe("fresh");
    expect(storeKeyIdOf(store)).toBe("fedcba9876543210");
    for (const gone of [fresh(), old(), keyChangeFile(store)]) expect(existsSync(gone)).toBe(false);
    expect(JSON.parse(readFileSync(book(), "utf8"))).toEqual({
      streams: { MESH: places, OTHER: { created: "then" } },
    });
  });
});
