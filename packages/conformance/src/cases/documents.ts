import type { Transport } from "@adaos/core";
import { MAX_DOCUMENT_BYTES, MAX_DOCUMENT_WRITES, MAX_RECORDS } from "@adaos/core/wire";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import type { Scene } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** Documents of a node: changed by compare-and-set, several at a time or none. */
export function describeDocuments(harness: TransportHarness): void {
  describe.concurrent("documents", () => {
    describeWrites(testsOf(harness));
    describeLimits(harness, testsOf(harness));
  });
}

async function twice(scene: Scene): Promise<readonly [Transport, Transport]> {
  const [address] = scene.harness.publishers;
  return [await scene.open(address), await scene.open(address)];
}

function describeWrites(check: Check): void {
  check("a document that another has changed is not written over", async (scene) => {
    const [{ documents: one }, { documents: other }] = await twice(scene);
    const key = `${scene.durable("s")}.state`;
    expect(await one.read(key)).toBeUndefined();
    const [first] = (await one.write([{ key, text: "a", seq: 0 }])) ?? [];
    expect(await other.read(key)).toEqual({ text: "a", seq: first });
    const [second] = (await other.write([{ key, text: "b", seq: first }])) ?? [];
    expect(await one.write([{ key, text: "c", seq: first }])).toBeUndefined();
    expect(await one.write([{ key, text: "c", seq: 0 }])).toBeUndefined();
    expect(await one.read(key)).toEqual({ text: "b", seq: second });
  });

  check("several are written together or not at all, and each has its own number", async (scene) => {
    const [{ documents }] = await twice(scene);
    const name = scene.durable("s");
    const keys = ["state", "RUN-1", "RUN-2"].map((word) => `${name}.${word}`);
    const seqs = await documents.write(keys.map((key) => ({ key, text: `1 ${key}`, seq: 0 })));
    for (const [i, key] of keys.entries())
      expect(await documents.read(key)).toEqual({ text: `1 ${key}`, seq: seqs?.[i] });
    const again = keys.map((key, i) => ({ key, text: `2 ${key}`, seq: i === 1 ? 0 : seqs?.[i] }));
    expect(await documents.write(again)).toBeUndefined();
    for (const key of keys) expect((await documents.read(key))?.text).toBe(`1 ${key}`);
    const free = again.map((write) => ({ ...write, seq: undefined }));
    expect(await documents.write(free)).toHaveLength(3);
    for (const key of keys) expect((await documents.read(key))?.text).toBe(`2 ${key}`);
  });

  check("a removed document has no text, and can be made again", async (scene) => {
    const [{ documents }] = await twice(scene);
    const [key, other] = [`${scene.durable("s")}.RUN-1`, `${scene.durable("s")}.RUN-2`];
    const seqs = (await documents.write([key, other].map((of) => ({ key: of, text: "a", seq: 0 })))) ?? [];
    const gone = [key, other].map((of, i) => ({ key: of, text: undefined, seq: seqs[i] }));
    expect(await documents.write(gone)).toHaveLength(2);
    const left = await documents.read(key);
    expect(left === undefined || left.text === "").toBe(true);
    while ((await documents.read(other)) !== undefined) await new Promise((go) => setTimeout(go, 100));
    expect(await documents.write([{ key, text: "b", seq: 0 }])).toHaveLength(1);
    expect((await documents.read(key))?.text).toBe("b");
  });
}

function describeLimits(harness: TransportHarness, check: Check): void {
  check("the largest document fits, a larger one and too many are refused", async (scene) => {
    const [{ documents }] = await twice(scene);
    const key = `${scene.durable("s")}.state`;
    const write = (bytes: number) => documents.write([{ key, text: "x".repeat(bytes), seq: undefined }]);
    expect(await write(MAX_DOCUMENT_BYTES)).toHaveLength(1);
    await expect(write(MAX_DOCUMENT_BYTES + 1)).rejects.toMatchObject({ code: "too-large" });
    expect((await documents.read(key))?.text).toHaveLength(MAX_DOCUMENT_BYTES);
    const writes = (count: number) =>
      Array.from({ length: count }, (_, i) => {
        return { key: `${scene.durable("m")}.w${i}`, text: "x", seq: 0 };
      });
    expect(await documents.write(writes(MAX_DOCUMENT_WRITES))).toHaveLength(MAX_DOCUMENT_WRITES);
    await expect(documents.write(writes(MAX_DOCUMENT_WRITES + 1))).rejects.toMatchObject({
      code: "too-large",
    });
  });

  check("records of each kind are taken, more than are kept too", async (scene) => {
    const [{ documents }] = await twice(scene);
    const name = scene.durable("s");
    const kinds = ["ok", "failed", "skipped"] as const;
    await Promise.all(kinds.map((kind) => documents.record(name, kind, `${kind}-1`, "{}")));
    const many = Array.from({ length: MAX_RECORDS + 20 }, (_, i) => i);
    await Promise.all(many.map((i) => documents.record(name, "ok", `ok-${i}`, `{"i":${i}}`)));
  });

  check("each node has its own documents, by the same keys", async (scene) => {
    const one = await scene.open(harness.publishers[0]);
    const other = await scene.open(harness.publishers[1]);
    const key = `${scene.durable("s")}.state`;
    await one.documents.write([{ key, text: "one", seq: 0 }]);
    expect(await other.documents.read(key)).toBeUndefined();
    await other.documents.write([{ key, text: "other", seq: 0 }]);
    expect((await one.documents.read(key))?.text).toBe("one");
  });
}
