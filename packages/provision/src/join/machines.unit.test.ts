import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KeyRing, leafKeyName, memberKeyName } from "../keys/keys.ts";
import { appliedNow, noteApplied } from "./applied.ts";
import { forgetJoined, idOfKey, type Machine, Machines } from "./machines.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-machines-"));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

function machine(subnet: string, member?: string): Machine {
  const key = nkeys.createUser().getPublicKey();
  const of = member === undefined ? {} : { member };
  return { id: idOfKey(key), key, sealKey: "a2V5", subnet, ...of, joinedAt: "2026-11-30T12:00:00.000Z" };
}

describe("Machines", () => {
  test("are none in a folder that nobody has joined", () => {
    expect([...new Machines(state).open()]).toEqual([]);
    expect(new Machines(state).find("abcdefgh")).toBeUndefined();
  });

  test("admit one machine a node: a later one takes the place of an earlier one, and of no other", () => {
    const machines = new Machines(state);
    const [gamma, hall, again] = [machine("gamma"), machine("gamma", "hall"), machine("gamma")];
    for (const one of [gamma, hall, again]) machines.admit(one);
    expect(new Map(machines.open())).toEqual(new Map([hall, again].map(({ id, key }) => [id, key])));
    expect(machines.find(again.id)).toEqual(again);
    expect(new Machines(state).find(gamma.id)).toBeUndefined();
  });

  test("see at once what another process has written", () => {
    const machines = new Machines(state);
    expect(machines.list()).toEqual([]);
    const one = machine("gamma");
    new Machines(state).admit(one);
    expect(machines.list()).toEqual([one]);
  });

  test("refuse a damaged file, and one of a later version, by its name", () => {
    const machines = new Machines(state);
    const one = machine("gamma");
    machines.admit(one);
    const file = join(state, "machines", `${one.id}.json`);
    writeFileSync(file, "{");
    expect(() => new Machines(state).list()).toThrow(`${file} is damaged`);
    writeFileSync(file, '{"format":2}');
    expect(() => new Machines(state).list()).toThrow(`${file} has format 2`);
  });
});

describe("forgetJoined()", () => {
  test("forgets machines and keys of nodes that are on no other machine any more, and keeps the others", () => {
    const machines = new Machines(state);
    const [gamma, hall, delta] = [machine("gamma"), machine("alpha", "hall"), machine("delta")];
    const keys = new KeyRing(state);
    const names = [leafKeyName("gamma"), memberKeyName("alpha", "hall"), leafKeyName("delta")] as const;
    for (const [i, one] of [gamma, hall, delta].entries()) {
      machines.admit(one);
      keys.admit(names[i] ?? "", nkeys.createUser().getPublicKey());
    }
    forgetJoined(state, new Set([names[2]]));
    expect(machines.list()).toEqual([delta]);
    expect(names.map((name) => keys.joined(name) !== undefined)).toEqual([false, false, true]);
  });
});

describe("appliedNow()", () => {
  test("tells whether the mesh file is as it was read when it came in force", () => {
    const file = join(state, "mesh.yaml");
    const one = { text: "a: 1\n" };
    writeFileSync(file, one.text);
    expect(appliedNow(state, file)).toBeUndefined();
    noteApplied(state, one);
    const first = appliedNow(state, file);
    expect(first).toBeDefined();
    expect(appliedNow(state, file)).toBe(first);
    writeFileSync(file, "a: 2\n");
    expect(appliedNow(state, file)).toBeUndefined();
    // Edited while the text before was being applied.
    noteApplied(state, one);
    expect(appliedNow(state, file)).toBeUndefined();
  });

  test("names each application differently, also of the same text", () => {
    const file = join(state, "mesh.yaml");
    const one = { text: "a: 1\n" };
    writeFileSync(file, one.text);
    noteApplied(state, one);
    const first = appliedNow(state, file);
    noteApplied(state, one);
    expect(appliedNow(state, file)).not.toBe(first);
  });
});
