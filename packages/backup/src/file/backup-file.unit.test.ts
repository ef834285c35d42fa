import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BackupChain } from "./backup-chain.ts";
import { gathered } from "./gathered.ts";
import type { Manifest } from "./manifest.ts";
import { BackupFile } from "./read-backup.ts";
import { BackupWriter } from "./write-backup.ts";

const PASSPHRASE = "correct horse battery";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-backup-unit-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function manifestOf(files: Manifest["files"]): Manifest {
  return {
    mesh: "home",
    host: "here",
    stateDir: "/state",
    remote: [],
    missing: [],
    hasKeys: false,
    began: "2026-01-01T00:00:00.000Z",
    ended: "2026-01-01T00:00:01.000Z",
    servers: [],
    files,
  };
}

async function written(
  name: string,
  contents: readonly Buffer[],
  options: { readonly passphrase?: string; readonly base?: BackupChain } = {},
): Promise<string> {
  const { passphrase, base } = options;
  const file = join(dir, name);
  const writer = await BackupWriter.open({
    file,
    passphrase,
    force: true,
    base:
      base === undefined
        ? undefined
        : { id: base.newest.header.id, file: base.newest.file.split("/").at(-1) ?? "", blobs: base.blobs },
  });
  const files: Manifest["files"][number][] = [];
  for (const [i, content] of contents.entries())
    files.push({ of: "state", path: `positions/${i}`, runs: false, ...(await writer.blob(content)) });
  await writer.finish(manifestOf(files));
  return file;
}

async function problemOf(file: string, passphrase?: string): Promise<string> {
  try {
    const backup = await BackupFile.open(file, passphrase);
    await backup.close();
    return "none";
  } catch (thrown) {
    const { code, message } = thrown as { readonly code: string; readonly message: string };
    return `${code}: ${message.replace(dir, "")}`;
  }
}

const SOME = [Buffer.from("one"), Buffer.alloc(3_000_000, 7), Buffer.alloc(0)];

describe("a backup file", () => {
  test.each([undefined, PASSPHRASE])("gives back what was written (passphrase: %s)", async (passphrase) => {
    const file = await written("whole", SOME, passphrase === undefined ? {} : { passphrase });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const backup = await BackupFile.open(file, passphrase);
    for (const [i, { sha256 }] of backup.manifest.files.entries())
      expect((await gathered(backup.content(sha256))).equals(SOME[i] ?? Buffer.from("?"))).toBe(true);
    await backup.close();
    expect(readFileSync(file).includes("positions/0")).toBe(false);
  });

  test.each([undefined, PASSPHRASE])(
    "is refused wherever it was cut (passphrase: %s)",
    async (passphrase) => {
      const file = await written(
        "cut",
        [Buffer.from("content")],
        passphrase === undefined ? {} : { passphrase },
      );
      const whole = readFileSync(file);
      // Sealed or not, the same checksum covers all: every byte once is enough.
      const step = passphrase === undefined ? 1 : 9;
      for (let length = 0; length < whole.length; length += step) {
        writeFileSync(file, whole.subarray(0, length));
        expect(await problemOf(file, passphrase), `${length} bytes`).toMatch(/^invalid-config: /);
      }
      writeFileSync(file, Buffer.concat([whole, Buffer.from("x")]));
      expect(await problemOf(file, passphrase)).toMatch(/^invalid-config: /);
    },
  );

  test.each([undefined, PASSPHRASE])(
    "is refused whichever byte was flipped (passphrase: %s)",
    async (passphrase) => {
      const file = await written(
        "flipped",
        [Buffer.from("content")],
        passphrase === undefined ? {} : { passphrase },
      );
      const whole = readFileSync(file);
      const step = passphrase === undefined ? 1 : 9;
      for (let at = 0; at < whole.length; at += step) {
        const flipped = Buffer.from(whole);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(file, flipped);
        expect(await problemOf(file, passphrase), `byte ${at}`).toMatch(/^invalid-config: /);
      }
    },
  );

  test("is refused with a wrong passphrase, without one, and with one that is too short", async () => {
    const file = await written("sealed", SOME, { passphrase: PASSPHRASE });
    expect(await problemOf(file, "another passphrase")).toMatch(/^denied: the passphrase does not open/);
    expect(await problemOf(file)).toMatch(/^usage: .*--passphrase-file/);
    expect(await problemOf(file, "short")).toMatch(/^usage: a passphrase has 8/);
  });

  test("of a newer format is named so", async () => {
    const file = await written("newer", [Buffer.from("content")]);
    writeFileSync(file, readFileSync(file, "latin1").replace('"format":1', '"format":2'), "latin1");
    expect(await problemOf(file)).toMatch(/has the format 2, and this release reads 1/);
  });

  test("that is none is named so", async () => {
    const file = join(dir, "none");
    writeFileSync(file, "mesh: home\n");
    expect(await problemOf(file)).toMatch(/is no backup of adaos/);
    expect(await problemOf(join(dir, "missing"))).toMatch(/^usage: .*cannot be read/);
    expect(await problemOf(dir)).toMatch(/cannot be read|no backup/);
  });

  test.each([
    "../x",
    "/etc/x",
    "positions/../../x",
    "processes.json",
    "run/x",
    "store/root/key-id",
    "mesh/x",
  ])("is refused with a file at %s of the state folder", async (path) => {
    const file = join(dir, "hostile");
    const writer = await BackupWriter.open({ file, force: true });
    const blob = await writer.blob(Buffer.from("content"));
    await writer.finish(manifestOf([{ of: "state", path, runs: true, ...blob }]));
    expect(await problemOf(file)).toMatch(/its table of contents is not as it should be/);
  });

  test("is refused when it would take a gigabyte of memory to open", async () => {
    const file = await written("costly", SOME, { passphrase: PASSPHRASE });
    const text = readFileSync(file, "latin1");
    const costly = text
      .replace('"N":65536,"r":8,"p":1,', '"N":999999,"r":8,"p":1,')
      .replace("999999", "524288");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.indexOf("}}") + 2 - 12 + 1);
    writeFileSync(file, `${costly.slice(0, 8)}${length.toString("latin1")}${costly.slice(12)}`, "latin1");
    expect(await problemOf(file, PASSPHRASE)).toMatch(/its header is not as it should be/);
  });

  test("appears when it is whole, and never over another", async () => {
    const file = join(dir, "half");
    const writer = await BackupWriter.open({ file });
    await writer.blob(Buffer.from("content"));
    expect(() => statSync(file)).toThrow();
    await writer.discard();
    expect(() => statSync(`${file}.partial`)).toThrow();
    writeFileSync(file, "mine");
    await expect(BackupWriter.open({ file })).rejects.toThrow(/exists/);
    await expect(BackupWriter.open({ file: join(dir, "no", "folder") })).rejects.toThrow(/cannot be written/);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });
});

test("of two writers of one file, the later one is not disturbed", async () => {
  const file = join(dir, "both");
  const first = await BackupWriter.open({ file });
  const second = await BackupWriter.open({ file });
  await second.blob(Buffer.from("content"));
  await expect(first.finish(manifestOf([]))).rejects.toThrow(/another backup is written to/);
  await first.discard();
  await second.finish(manifestOf([]));
  expect(await problemOf(file)).toBe("none");
  const third = await BackupWriter.open({ file: join(dir, "late") });
  writeFileSync(join(dir, "late"), "mine");
  await expect(third.finish(manifestOf([]))).rejects.toThrow(/exists/);
  await third.discard();
  expect(existsSync(join(dir, "late.partial"))).toBe(false);
});

describe("a chain of backups", () => {
  test("is refused when its table of contents gives another size than the content has", async () => {
    const file = join(dir, "lies");
    const writer = await BackupWriter.open({ file });
    const { sha256 } = await writer.blob(Buffer.alloc(3_000_000));
    await writer.finish(
      manifestOf([{ of: "state", path: "positions/x.json", runs: false, sha256, bytes: 9 }]),
    );
    await expect(BackupChain.open(file, undefined)).rejects.toThrow(/lacks the content/);
  });

  test("stores content once, and needs each of its files", async () => {
    const large = Buffer.from(Array.from({ length: 500_000 }, () => Math.floor(Math.random() * 256)));
    const first = await written("first", [large]);
    const base = await BackupChain.open(first, undefined);
    const second = await written("second", [large, Buffer.from("new")], { base });
    await base.close();
    expect(statSync(second).size).toBeLessThan(5000);
    const chain = await BackupChain.open(second, undefined);
    const [{ sha256 } = { sha256: "" }] = chain.manifest.files;
    expect((await gathered(chain.content(sha256))).equals(large)).toBe(true);
    await chain.close();
    await rename(first, join(dir, "away"));
    await expect(BackupChain.open(second, undefined)).rejects.toThrow(/first cannot be read/);
    await written("first", [large]);
    await expect(BackupChain.open(second, undefined)).rejects.toThrow(/another backup/);
  });
});
