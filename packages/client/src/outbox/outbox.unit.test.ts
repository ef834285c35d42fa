import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError, type Message } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { ownName } from "../disk/owner.ts";
import { Outbox } from "./outbox.ts";
import { outboxSize } from "./peek-outbox.ts";
import { entryRecord } from "./record.ts";
import { RefusedLog } from "./refused-log.ts";

let root: string;
let dir: string;
let log: RecordingLog;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "adaos-outbox-"));
  dir = join(root, "alpha_kitchen");
  log = new RecordingLog();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((outbox) => outbox.close()));
  rmSync(root, { recursive: true });
});

const LIMITS = { maxBytes: 1_000_000, maxEvents: 1000 };

function messageNo(n: number | string): Message {
  return { subject: "evt.alpha.kitchen.ui.notify.v1", id: `id-${n}`, headers: {}, body: Buffer.from("tea") };
}

const opened: Outbox[] = [];

function outboxOf(limits: Partial<typeof LIMITS> = {}): Outbox {
  const outbox = new Outbox(dir, { ...LIMITS, ...limits }, log);
  opened.push(outbox);
  return outbox;
}

function append(outbox: Outbox, ...numbers: readonly (number | string)[]): Promise<number[]> {
  return Promise.all(numbers.map((n) => outbox.append(messageNo(n))));
}

/** Forwards everything; returns the ids in order. */
async function drain(outbox: Outbox): Promise<(string | undefined)[]> {
  const ids: (string | undefined)[] = [];
  for (;;) {
    const batch = await outbox.peek(2, 1e6);
    if (batch.length === 0) return ids;
    ids.push(...batch.map((message) => message?.id));
    await outbox.advance(batch.length);
  }
}

/** The file name of a process, dead or alive, here or on another machine. */
function nameOf(pid: number, changes: { start?: string; place?: string; age?: string } = {}): string {
  const [, start, place] = ownName(".outbox").split("-");
  return `${pid}-${changes.start ?? start}-${changes.place ?? place}-${changes.age ?? "1"}-abc.outbox`;
}

function leave(name: string, ...numbers: readonly (number | string)[]): string {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, name);
  writeFileSync(file, Buffer.concat(numbers.map((n) => entryRecord(messageNo(n)))));
  return file;
}

describe("Outbox", () => {
  test("makes neither folder nor file before something waits", async () => {
    const outbox = outboxOf();
    await outbox.adopt();
    expect(existsSync(dir)).toBe(false);
    await append(outbox, 1);
    expect(readdirSync(dir)).toHaveLength(1);
  });

  test("tells positions, and gives out in order", async () => {
    const outbox = outboxOf();
    expect(await append(outbox, 1, 2)).toEqual([1, 2]);
    expect(await append(outbox, 3)).toEqual([3]);
    expect(await drain(outbox)).toEqual(["id-1", "id-2", "id-3"]);
    expect([outbox.waiting, outbox.waitingBytes]).toEqual([0, 0]);
  });

  test("is counted by who only looks, what other processes have left too, without what is forwarded", async () => {
    expect(await outboxSize(dir)).toEqual({ events: 0, bytes: 0 });
    const outbox = outboxOf();
    await append(outbox, 1, 2, 3);
    await outbox.advance((await outbox.peek(1, 1)).length);
    leave(nameOf(1), 4);
    const bytes = entryRecord(messageNo(1)).length;
    expect(await outboxSize(dir)).toEqual({ events: 3, bytes: 3 * bytes });
  });

  test("refuses as backpressure when full by count, and takes more when there is room", async () => {
    const outbox = outboxOf({ maxEvents: 3 });
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((n) => outbox.append(messageNo(n))));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected"]);
    await expect(append(outbox, 5)).rejects.toMatchObject({ name: "MeshError", code: "backpressure" });
    await outbox.advance((await outbox.peek(1, 1e6)).length);
    await append(outbox, 6);
    expect(await drain(outbox)).toEqual(["id-2", "id-3", "id-6"]);
  });

  test("refuses as backpressure when full by bytes", async () => {
    const bytes = entryRecord(messageNo(1)).length;
    const outbox = outboxOf({ maxBytes: 2 * bytes });
    await append(outbox, 1, 2);
    await expect(append(outbox, 3)).rejects.toMatchObject({ code: "backpressure" });
    expect(await drain(outbox)).toEqual(["id-1", "id-2"]);
  });

  test("counts what was taken over", async () => {
    leave("left-1-abc.outbox", 1, 2, 3);
    const outbox = outboxOf({ maxEvents: 3 });
    await outbox.adopt();
    expect(outbox.waiting).toBe(3);
    await expect(append(outbox, 4)).rejects.toMatchObject({ code: "backpressure" });
  });

  test("rejects as unavailable while its folder cannot be made, and goes on when it can", async () => {
    writeFileSync(dir, "in the way");
    const outbox = outboxOf();
    await expect(append(outbox, 1)).rejects.toMatchObject({ name: "MeshError", code: "unavailable" });
    expect(outbox.waiting).toBe(0);
    rmSync(dir);
    await append(outbox, 2);
    expect(await drain(outbox)).toEqual(["id-2"]);
  });

  test("goes on in another file when its own is taken away, and loses nothing", async () => {
    const outbox = outboxOf();
    await append(outbox, 1, 2);
    for (const name of readdirSync(dir)) renameSync(join(dir, name), join(root, name));
    await append(outbox, 3, 4);
    expect(await drain(outbox)).toEqual(["id-1", "id-2", "id-3", "id-4"]);
  });
});

describe("Outbox.adopt()", () => {
  test("takes over what ended processes have left, the oldest first and before its own", async () => {
    const dead = execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" });
    // Forwarding touches a file, so its last write says nothing about the age of its content.
    utimesSync(leave(nameOf(Number(dead), { age: "1" }), 1, 2), 3000, 3000);
    utimesSync(leave("left-2-abc.outbox", 3), 2000, 2000);
    utimesSync(leave(nameOf(process.pid, { start: "1", age: "3" }), 4), 1000, 1000);
    const outbox = outboxOf();
    await append(outbox, 5);
    await outbox.adopt();
    expect(await drain(outbox)).toEqual(["id-1", "id-2", "id-3", "id-4", "id-5"]);
    expect(readdirSync(dir)).toHaveLength(1);
  });

  test("leaves alone what belongs to a process that lives, this one too", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
      const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
      leave(nameOf(child.pid ?? 0, { start }), 1);
      const twin = outboxOf();
      await append(twin, 2);
      const outbox = outboxOf();
      await outbox.adopt();
      expect(outbox.waiting).toBe(0);
      expect(await drain(twin)).toEqual(["id-2"]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("takes what comes from another boot or machine only when nobody has touched it for long", async () => {
    const file = leave(nameOf(1, { place: "elsewhere.1" }), 1);
    const outbox = outboxOf();
    await outbox.adopt();
    expect(outbox.waiting).toBe(0);
    utimesSync(file, 1000, 1000);
    await outbox.adopt();
    expect(outbox.waiting).toBe(1);
  });

  test("leaves what is young to a successor, when it is told to", async () => {
    const file = leave("left-1-abc.outbox", 1);
    const outbox = outboxOf();
    await outbox.adopt(20_000);
    expect(outbox.waiting).toBe(0);
    utimesSync(file, 1000, 1000);
    await outbox.adopt(20_000);
    expect(outbox.waiting).toBe(1);
  });

  test("of several that try at the same time each file has one", async () => {
    for (let n = 0; n < 20; n++) leave(`left-${n}-abc.outbox`, n);
    const outboxes = [outboxOf(), outboxOf(), outboxOf()];
    await Promise.all(outboxes.map((outbox) => outbox.adopt()));
    const drained = await Promise.all(outboxes.map(drain));
    expect(drained.flat().sort()).toEqual(Array.from({ length: 20 }, (_, n) => `id-${n}`).sort());
    expect(readdirSync(dir)).toEqual([]);
  });

  test("what one leaves at its close the next takes over", async () => {
    const first = outboxOf();
    await append(first, 1, 2, 3);
    await first.peek(1, 1);
    await first.advance(1);
    await first.close();
    const second = outboxOf();
    await second.adopt();
    expect(await drain(second)).toEqual(["id-2", "id-3"]);
    await second.close();
    expect(readdirSync(dir)).toEqual([]);
  });

  test("says how much was damaged", async () => {
    const file = leave("left-1-abc.outbox", 1, 2);
    const bytes = readFileSync(file);
    bytes[20] = 0;
    writeFileSync(file, bytes);
    const outbox = outboxOf();
    await outbox.adopt();
    expect(log.lines).toMatchObject([{ level: "error", event: "outbox damaged" }, { level: "info" }]);
    expect(await drain(outbox)).toEqual(["id-2"]);
  });
});

describe("RefusedLog", () => {
  test("holds a bounded number of lines that tell message and error", async () => {
    const refused = new RefusedLog(join(dir, "refused.ndjson"));
    const body = Buffer.from("x".repeat(4_000_000));
    for (let n = 1; n <= 12; n++) {
      await refused.add({ ...messageNo(n), body }, new MeshError("denied", "not this"));
    }
    const idsOf = (file: string): string[] =>
      readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).id);
    expect(idsOf(refused.path)).toEqual(["id-9", "id-10", "id-11", "id-12"]);
    expect(idsOf(`${refused.path}.1`)).toEqual(["id-5", "id-6", "id-7", "id-8"]);
  });
});
