import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { type MarkDisk, REAL_DISK } from "./mark-file.ts";
import { RECORD_BYTES } from "./mark-record.ts";
import { MemberMarks, type MemberMarksOptions } from "./member-marks.ts";

const NOW_MS = Date.now();
const HOUR_MS = 3_600_000;

let dir: string;
let log: RecordingLog;
const opened: MemberMarks[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-marks-"));
  log = new RecordingLog();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((marks) => marks.close()));
  rmSync(dir, { recursive: true });
});

function open(changes: Partial<MemberMarksOptions> = {}): MemberMarks {
  const marks = new MemberMarks({ dir, maxAgeMs: HOUR_MS, log, ...changes });
  opened.push(marks);
  return marks;
}

function keyOf(n: number | string): string {
  return hash("sha256", String(n), "hex").slice(0, 32);
}

async function mark(marks: MemberMarks, ...numbers: readonly (number | string)[]): Promise<void> {
  await Promise.all(numbers.map((n) => marks.mark("d", keyOf(n), false)));
}

/** Whether each mark is known, or the error code. */
function known(marks: MemberMarks, ...numbers: readonly (number | string)[]): Promise<(boolean | string)[]> {
  return Promise.all(
    numbers.map(async (n) => {
      try {
        return await marks.has("d", keyOf(n), NOW_MS);
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
    }),
  );
}

function filesIn(folder: string = dir): string[] {
  return readdirSync(folder).map((name) => join(folder, name));
}

/** The content of the only file. */
function content(): Buffer {
  const [file = ""] = filesIn();
  return readFileSync(file);
}

let age = 0;

/** A folder as an ended process would have left it. */
function leave(left: Buffer): string {
  const folder = mkdtempSync(join(dir, "left-"));
  writeFileSync(join(folder, `left-${String(age++).padStart(9, "0")}-x.marks`), left);
  return folder;
}

describe("MemberMarks", () => {
  test("knows what was marked, by durable and key, and a successor does too", async () => {
    const marks = open();
    expect(await known(marks, 1)).toEqual([false]);
    await mark(marks, 1, 2);
    expect(await known(marks, 1, 2, 3)).toEqual([true, true, false]);
    expect(await marks.has("e", keyOf(1), NOW_MS)).toBe(false);
    await marks.close();
    const successor = open();
    expect(await known(successor, 1, 2, 3)).toEqual([true, true, false]);
  });

  test("makes no file before it is asked, and leaves none behind that is empty", async () => {
    const marks = open({ dir: join(dir, "node") });
    expect(filesIn()).toEqual([]);
    await known(marks, 1);
    expect(filesIn(join(dir, "node"))).toHaveLength(1);
    await marks.close();
    expect(filesIn(join(dir, "node"))).toEqual([]);
  });

  test("knows what another process has marked, as soon as that has happened", async () => {
    const [one, other] = [open(), open()];
    expect([await known(one, 1), await known(other, 1)]).toEqual([[false], [false]]);
    for (let n = 1; n < 20; n++) {
      await mark(n % 2 === 0 ? one : other, n);
      // Looks of one moment share one look, so wait.
      await new Promise((resolve) => setTimeout(resolve, 3));
      expect(await known(n % 2 === 0 ? other : one, n, n + 1)).toEqual([true, false]);
    }
    const third = open();
    await mark(third, "third");
    await third.close();
    await new Promise((resolve) => setTimeout(resolve, 3));
    expect([await known(one, "third"), await known(other, "third")]).toEqual([[true], [true]]);
  });

  test("knows each mark that was kept, wherever its file is cut, and none besides", async () => {
    const marks = open();
    await mark(marks, ...Array.from({ length: 12 }, (_, n) => n));
    const whole = content().subarray(0, 12 * RECORD_BYTES);
    for (let bytes = 0; bytes <= whole.length; bytes++) {
      const cut = open({ dir: leave(whole.subarray(0, bytes)) });
      const kept = Math.floor(bytes / RECORD_BYTES);
      expect(await known(cut, ...Array.from({ length: 13 }, (_, n) => n))).toEqual(
        Array.from({ length: 13 }, (_, n) => n < kept),
      );
      await opened.pop()?.close();
    }
  });

  test("is what a set would be, over random lives that end in a close, a kill or a power cut", async () => {
    const seed = Number(process.env["ADAOS_TEST_SEED"] ?? Date.now() % 2 ** 31);
    console.log(`ADAOS_TEST_SEED=${seed}`);
    const life = fc.record({
      kept: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 40 }),
      /** No caller gets a confirmation of these. */
      unsynced: fc.array(fc.integer({ min: 31, max: 60 }), { maxLength: 6 }),
      /** Bytes of the unsynced marks that reach the disk before the power is cut. */
      reached: fc.nat({ max: 6 * RECORD_BYTES }),
      ends: fc.constantFrom<Ending>("close", "kill", "power cut"),
    });
    const lives = fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (all) => {
      const [kept, perhaps] = [new Set<number>(), new Set<number>()];
      let folder = mkdtempSync(join(dir, "life-"));
      for (const { kept: numbers, unsynced, reached, ends } of all) {
        const disk = new DiskStandIn();
        const marks = new MemberMarks({ dir: folder, maxAgeMs: HOUR_MS, log, disk });
        for (const n of numbers) {
          if ((await marks.has("d", keyOf(n), NOW_MS)) === false) await mark(marks, n);
          kept.add(n);
        }
        await known(marks, 0);
        if (ends !== "close") {
          disk.hold();
          for (const n of unsynced) void marks.mark("d", keyOf(n), false);
          for (const n of unsynced) perhaps.add(n);
          const left = leftBy(folder, ends === "kill" ? undefined : { disk, reached });
          disk.release();
          folder = left;
        }
        await marks.close();
      }
      const last = new MemberMarks({ dir: folder, maxAgeMs: HOUR_MS, log });
      const numbers = Array.from({ length: 61 }, (_, n) => n);
      const found = await known(last, ...numbers);
      await last.close();
      const sure = numbers.filter((n) => kept.has(n) || !perhaps.has(n));
      expect(sure.filter((n) => found[n] !== kept.has(n))).toEqual([]);
    });
    await fc.assert(lives, { numRuns: 60, seed });
  });

  test("shares a sync among what is marked meanwhile, and makes one for each that comes alone", async () => {
    const marks = open();
    await known(marks, 0);
    await mark(marks, ...Array.from({ length: 1000 }, (_, n) => n));
    expect(marks.status).toMatchObject({ made: 1000, syncs: 1 });
    for (let n = 1000; n < 1010; n++) {
      await mark(marks, n);
      await new Promise((resolve) => setTimeout(resolve, 6));
    }
    expect(marks.status).toMatchObject({ made: 1010, syncs: 11 });
    // As handlers end under load: one after the other, and none waits.
    const all: Promise<void>[] = [];
    for (let n = 0; n < 2000; n++) {
      all.push(mark(marks, `load ${n}`));
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
    expect(marks.status.syncs - 11).toBeLessThan(200);
  });

  test("lets a mark wait for others where nothing waits for it", async () => {
    const disk: MarkDisk = { write: REAL_DISK.write, sync: () => Promise.resolve() };
    const marks = open({ disk });
    await known(marks, 0);
    const took = async (isAwaited: boolean): Promise<number> => {
      const startMs = performance.now();
      for (let n = 0; n < 50; n++) await marks.mark("d", keyOf(`${isAwaited} ${n}`), isAwaited);
      return performance.now() - startMs;
    };
    const [strictMs, looseMs] = [await took(true), await took(false)];
    expect(looseMs).toBeGreaterThan(200);
    expect(strictMs).toBeLessThan(looseMs);
    expect(marks.status.syncs).toBe(100);
  });

  test("forgets the oldest when there are too many, and files whose marks are too old", async () => {
    const marks = open({ maxMarks: 1 });
    const all = Array.from({ length: 3 * 131_072 }, (_, n) => n);
    for (let i = 0; i < all.length; i += 8192) await mark(marks, ...all.slice(i, i + 8192));
    expect(await known(marks, 0, all.length - 1)).toEqual([false, true]);
    expect(marks.status).toMatchObject({ known: 2 * 131_072, made: all.length });
    await marks.close();
    expect(filesIn().length).toBeGreaterThanOrEqual(3);
    for (const path of filesIn()) utimesSync(path, 1, 1);
    const successor = open();
    await known(successor, 0);
    await successor.close();
    expect(filesIn()).toEqual([]);
  });

  test("takes small files of ended processes over, so that there are not ever more", async () => {
    for (let n = 0; n < 5; n++) {
      const marks = open();
      await mark(marks, n);
      await marks.close();
    }
    expect(filesIn()).toHaveLength(1);
    expect(await known(open(), 0, 1, 2, 3, 4, 5)).toEqual([true, true, true, true, true, false]);
  });
});

describe("MemberMarks on a disk that fails", () => {
  /** Returns how many marks succeeded before the refusal. */
  async function markUntilRefused(marks: MemberMarks): Promise<number> {
    let n = 0;
    while ((await known(marks, n))[0] === false) {
      await mark(marks, ...Array.from({ length: 32 }, (_, i) => n + i));
      n += 32;
    }
    return n;
  }

  async function threeMarks(): Promise<Buffer> {
    const marks = open({ dir: join(dir, "node") });
    for (const n of [0, 1, 2]) await mark(marks, n);
    const [path = ""] = filesIn(join(dir, "node"));
    return readFileSync(path);
  }

  test("mends every single flipped bit", async () => {
    const whole = (await threeMarks()).subarray(0, 3 * RECORD_BYTES);
    for (let bit = 0; bit < whole.length * 8; bit += 7) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const marks = open({ dir: leave(flipped) });
      expect([bit, await known(marks, 0, 1, 2, 3)]).toEqual([bit, [true, true, true, false]]);
      await opened.pop()?.close();
    }
  });

  test("holds what may be among marks that cannot be read, tells so, and no more than that", async () => {
    const broken = await threeMarks();
    broken.fill(0x55, RECORD_BYTES, 2 * RECORD_BYTES);
    const folder = leave(broken);
    const marks = open({ dir: folder });
    expect(await known(marks, 0, 1, 2, 3)).toEqual([true, "unavailable", true, "unavailable"]);
    // An event stored after the damaged part was written cannot be in it.
    expect(await marks.has("d", keyOf(3), Date.now() + HOUR_MS)).toBe(false);
    expect(log.lines.map(({ event }) => event)).toContain("marks damaged");
    await marks.close();
    const successor = open({ dir: folder });
    expect(await known(successor, 0, 1, 2)).toEqual([true, "unavailable", true]);
    expect(() => successor.has("d", keyOf(1), NOW_MS)).toThrow(/ has 1 damaged mark, .*remove the file/);
    for (const path of filesIn(folder).filter((one) => one.endsWith(".damaged"))) rmSync(path);
    await new Promise((resolve) => setTimeout(resolve, 3));
    expect(await known(successor, 0, 1, 2)).toEqual([true, false, true]);
  });

  test("refuses before an effect when there is no room for more marks, and goes on when there is", async () => {
    const disk = new DiskStandIn();
    const marks = open({ disk });
    await known(marks, 0);
    disk.isFull = true;
    const n = await markUntilRefused(marks);
    // Effects that happen when the disk turns out to be full can still be marked.
    expect(n).toBeGreaterThan(1000);
    expect(await known(marks, n)).toEqual(["backpressure"]);
    await mark(marks, ...Array.from({ length: 1000 }, (_, i) => `late ${i}`));
    disk.isFull = false;
    await expect.poll(() => known(marks, n), { timeout: 5000 }).toEqual([false]);
    await mark(marks, n);
    await marks.close();
    expect(await known(open(), n, "late 999", "never")).toEqual([true, true, false]);
  });

  test("goes on in another file when one cannot be written, and says of no mark that it is kept", async () => {
    const disk = new DiskStandIn();
    const marks = open({ disk });
    await mark(marks, 1);
    disk.failure = Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
    await expect(mark(marks, 2)).rejects.toMatchObject({ code: "unavailable" });
    expect(await known(marks, 3)).toEqual(["unavailable"]);
    disk.failure = undefined;
    await mark(marks, 2);
    await marks.close();
    expect(await known(open(), 1, 2, 3)).toEqual([true, true, false]);
  });

  test("says so when its file was removed, and when its folder cannot be written", async () => {
    const marks = open({ dir: join(dir, "node") });
    await mark(marks, 1);
    for (const path of filesIn(join(dir, "node"))) rmSync(path);
    await expect(mark(marks, 2)).rejects.toThrow(/were removed/);
    await mark(marks, 2);
    writeFileSync(join(dir, "file"), "");
    expect(await known(open({ dir: join(dir, "file") }), 1)).toEqual(["unavailable"]);
  });

  const mounted = join(tmpdir(), `adaos-full-${process.pid}`);
  mkdirSync(mounted);
  const mayMount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "none", mounted]).status === 0;
  afterAll(() => {
    if (mayMount) spawnSync("umount", [mounted]);
    rmSync(mounted, { recursive: true });
  });

  test.runIf(mayMount)("refuses before an effect on a disk that is really full, or read-only", async () => {
    const marks = open({ dir: join(mounted, "node") });
    expect(await known(marks, 0)).toEqual([false]);
    writeFileSync(join(mounted, "ballast"), "");
    expect(() => writeFileSync(join(mounted, "ballast"), Buffer.alloc(300_000))).toThrow("ENOSPC");
    const n = await markUntilRefused(marks);
    expect(await known(marks, n)).toEqual(["backpressure"]);
    expect(await known(open({ dir: join(mounted, "other") }), n)).toEqual(["backpressure"]);
    rmSync(join(mounted, "ballast"));
    await expect.poll(() => known(marks, n), { timeout: 5000 }).toEqual([false]);
    await marks.close();
    expect(spawnSync("mount", ["-o", "remount,ro", mounted]).status).toBe(0);
    expect(await known(open({ dir: join(mounted, "node") }), 0)).toEqual(["unavailable"]);
  });
});

type Ending = "close" | "kill" | "power cut";

/** A copy of the folder as found after a kill, or without the bytes that had not reached the disk. */
function leftBy(folder: string, cut: { disk: DiskStandIn; reached: number } | undefined): string {
  const to = mkdtempSync(join(dir, "life-"));
  for (const path of filesIn(folder)) {
    if (!existsSync(path)) continue;
    const left = readFileSync(path);
    if (cut !== undefined && !path.includes("/left-")) cut.disk.lose(left, cut.reached);
    writeFileSync(join(to, `left-${String(age++).padStart(9, "0")}-x.marks`), left);
  }
  return to;
}

/** The real disk, which can be full, fail, or delay syncs. */
class DiskStandIn implements MarkDisk {
  isFull = false;
  failure: Error | undefined;
  #unsynced: number[] = [];
  #reserved = 0;
  #held: Promise<void> | undefined;
  release: () => void = () => undefined;

  write(fd: number, content: Buffer, position: number): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.isFull && position + content.length > this.#reserved)
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    this.#reserved = Math.max(this.#reserved, position + content.length);
    REAL_DISK.write(fd, content, position);
    if (content.length === RECORD_BYTES) this.#unsynced.push(position);
  }

  async sync(fd: number): Promise<void> {
    const { length } = this.#unsynced;
    await this.#held;
    if (this.failure !== undefined) throw this.failure;
    await REAL_DISK.sync(fd);
    this.#unsynced.splice(0, length);
  }

  hold(): void {
    this.#held = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** Removes everything written since the last sync, except its first bytes. */
  lose(content: Buffer, reached: number): void {
    const [first] = this.#unsynced;
    if (first !== undefined) content.fill(0, first + reached);
  }
}
