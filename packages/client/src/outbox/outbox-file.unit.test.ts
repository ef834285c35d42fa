import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open as openHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Message } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OutboxFile } from "./outbox-file.ts";
import { entryRecord } from "./record.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-outbox-"));
  path = join(dir, "node/one.outbox");
});
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close("left.outbox");
  rmSync(dir, { recursive: true });
});

const opened: OutboxFile[] = [];

async function create(): Promise<OutboxFile> {
  const file = await OutboxFile.create(path);
  opened.push(file);
  return file;
}

async function open(): Promise<OutboxFile> {
  const file = await OutboxFile.open(path);
  opened.push(file);
  return file;
}

function messageNo(n: number, text = "Tea is ready"): Message {
  const headers = { traceparent: "00-1" };
  return {
    subject: "evt.alpha.kitchen.ui.notify.v1",
    id: `id-${n}`,
    headers,
    body: Buffer.from(`${n} ${text}`),
  };
}

function append(file: OutboxFile, ...numbers: readonly number[]): Promise<unknown> {
  return Promise.all(numbers.map((n) => file.append(entryRecord(messageNo(n)))));
}

async function idsIn(file: OutboxFile): Promise<(string | undefined)[]> {
  return (await file.peek(1000, 1e9)).map((message) => message?.id);
}

/** Opens the file as a successor does when the process has just been killed. */
async function reopen(): Promise<{ file: OutboxFile; ids: (string | undefined)[] }> {
  const file = await open();
  return { file, ids: await idsIn(file) };
}

describe("OutboxFile", () => {
  test("gives back what was appended, byte for byte and in order", async () => {
    const file = await create();
    await append(file, 1, 2);
    await append(file, 3);
    for (const found of [await file.peek(9, 1e9), await (await reopen()).file.peek(9, 1e9)]) {
      expect(found.map((message) => ({ ...message, body: Buffer.from(message?.body ?? "") }))).toEqual([
        messageNo(1),
        messageNo(2),
        messageNo(3),
      ]);
    }
  });

  test("is readable by its owner only, its folder too", async () => {
    await create();
    expect([statSync(path).mode & 0o777, statSync(join(dir, "node")).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  test("hands out no more than is asked for, but one at least", async () => {
    const file = await create();
    await append(file, 1, 2, 3);
    expect(await file.peek(2, 1e9)).toHaveLength(2);
    expect(await file.peek(9, 1)).toHaveLength(1);
  });

  test("passes over what was forwarded, after a restart too", async () => {
    const file = await create();
    await append(file, 1, 2, 3, 4);
    await file.advance(1);
    await file.advance(1);
    await append(file, 5);
    expect(await idsIn(file)).toEqual(["id-3", "id-4", "id-5"]);
    expect((await reopen()).ids).toEqual(["id-3", "id-4", "id-5"]);
  });

  test("is empty when all is forwarded, and goes on", async () => {
    const file = await create();
    await append(file, 1, 2);
    await file.advance(2);
    expect([statSync(path).size, file.waiting, file.waitingBytes]).toEqual([0, 0, 0]);
    await append(file, 3);
    expect((await reopen()).ids).toEqual(["id-3"]);
  });

  test("gives back the room of what is forwarded while more comes", async () => {
    const file = await create();
    const text = "x".repeat(50_000);
    let next = 0;
    const more = (count: number) =>
      Promise.all(Array.from({ length: count }, () => file.append(entryRecord(messageNo(next++, text)))));
    await more(4);
    for (let round = 0; round < 100; round++) {
      await more(1);
      await file.advance(1);
    }
    expect(next).toBe(104);
    expect(statSync(path).size).toBeLessThan(1_500_000);
    expect(await idsIn(file)).toEqual(["id-100", "id-101", "id-102", "id-103"]);
    expect((await reopen()).ids).toEqual(["id-100", "id-101", "id-102", "id-103"]);
    expect(readdirSync(join(dir, "node"))).toEqual(["one.outbox"]);
  });

  test("ignores a tail that was torn at any byte", async () => {
    const file = await create();
    await append(file, 1, 2);
    const whole = readFileSync(path);
    await append(file, 3);
    const end = statSync(path).size;
    for (let size = whole.length; size < end; size++) {
      truncateSync(path, size);
      const { file: successor, ids } = await reopen();
      expect(ids).toEqual(["id-1", "id-2"]);
      expect(successor.damagedBytes).toBe(size - whole.length);
      await append(successor, 4);
      expect((await reopen()).ids).toEqual(["id-1", "id-2", "id-4"]);
      writeFileSync(path, whole);
      appendFileSync(path, entryRecord(messageNo(3)));
    }
  });

  test("loses nothing but the record in which a byte was flipped, and says so", async () => {
    const file = await create();
    await append(file, 1, 2, 3);
    const whole = readFileSync(path);
    const length = whole.length / 3;
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      writeFileSync(path, bytes);
      const { file: successor, ids } = await reopen();
      expect(ids).toEqual(["id-1", "id-2", "id-3"].toSpliced(Math.floor(at / length), 1));
      expect(successor.damagedBytes).toBe(length);
    }
  });

  test("tells of a message that can be read no more while it waits", async () => {
    const file = await create();
    await append(file, 1, 2);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = 0;
    writeFileSync(path, bytes);
    expect(await idsIn(file)).toEqual(["id-1", undefined]);
  });

  test("closed, it is left under another name, or removed when nothing waits", async () => {
    const file = await create();
    await append(file, 1);
    await file.close("left.outbox");
    expect(readdirSync(join(dir, "node"))).toEqual(["left.outbox"]);
    path = join(dir, "node/left.outbox");
    const { file: successor } = await reopen();
    await successor.advance(1);
    await successor.close("again.outbox");
    expect(readdirSync(join(dir, "node"))).toEqual([]);
  });

  test("whoever finds its file gone is told so, and has written nothing that counts", async () => {
    const file = await create();
    await append(file, 1);
    rmSync(path);
    await expect(append(file, 2)).rejects.toThrow("no longer this process's own");
    expect(await idsIn(file)).toEqual(["id-1"]);
  });

  test.each([
    ["a folder that cannot be made", () => writeFileSync(join(dir, "node"), "")],
    ["a file that is there already", () => mkdirSync(path, { recursive: true })],
  ])("rejects %s as unavailable", async (_, spoil) => {
    spoil();
    await expect(OutboxFile.create(path)).rejects.toMatchObject({ name: "MeshError", code: "unavailable" });
  });

  test.skipIf(process.getuid?.() === 0)("rejects a folder that is read-only as unavailable", async () => {
    mkdirSync(join(dir, "node"));
    chmodSync(join(dir, "node"), 0o500);
    await expect(OutboxFile.create(path)).rejects.toMatchObject({ name: "MeshError", code: "unavailable" });
  });

  test("rejects a missing file as unavailable", async () => {
    await expect(OutboxFile.open(path)).rejects.toMatchObject({ name: "MeshError", code: "unavailable" });
  });

  test("a disk that is full refuses as backpressure, and is written to again when it is not", async () => {
    const file = await create();
    await append(file, 1);
    const handle = await openHandle(path);
    const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const datasync = vi.spyOn(Object.getPrototypeOf(handle), "datasync").mockRejectedValueOnce(full);
    await handle.close();
    await expect(append(file, 2)).rejects.toMatchObject({ name: "MeshError", code: "backpressure" });
    datasync.mockRestore();
    await append(file, 3);
    expect((await reopen()).ids).toEqual(["id-1", "id-3"]);
  });
});
