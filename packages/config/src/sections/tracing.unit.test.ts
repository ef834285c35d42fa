import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { readLangfuseKeys, resolvedTracing, tracingSchema } from "./tracing.ts";

const LANGFUSE = { keyFile: "langfuse.key", components: ["agent", "alpha/kitchen"] };

describe("tracing of a mesh file", () => {
  test("fills in where LangFuse is, and finds the key file beside the mesh file", () => {
    const tracing = tracingSchema.parse({ sample: 0.1, langfuse: LANGFUSE });
    expect(resolvedTracing(tracing, "/mesh")).toEqual({
      sample: 0.1,
      langfuse: { ...LANGFUSE, host: "https://cloud.langfuse.com", keyFile: "/mesh/langfuse.key" },
    });
  });

  test.each([
    ["a share that is none", { sample: 1.1 }],
    ["a URL that is none", { otlp: "127.0.0.1:4318" }],
    ["a password", { otlp: "http://ada:secret@127.0.0.1:4318" }],
    ["no component", { langfuse: { ...LANGFUSE, components: [] } }],
    ["keys in the file itself", { langfuse: { ...LANGFUSE, secretKey: "sk" } }],
  ])("refuses %s", (_, value) => {
    expect(tracingSchema.safeParse(value).success).toBe(false);
  });
});

describe("readLangfuseKeys()", () => {
  const dir = mkdtempSync(join(tmpdir(), "adaos-test-langfuse-"));
  const file = join(dir, "langfuse.key");
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  function keys(text: string, mode = 0o600): string {
    rmSync(file, { force: true });
    writeFileSync(file, text);
    // Independent of this process's file mode mask.
    chmodSync(file, mode);
    return readLangfuseKeys(file);
  }

  test("reads one line", () => {
    expect(keys("pk-lf-1:sk-lf-2\n")).toBe("pk-lf-1:sk-lf-2");
  });

  test.each([
    ["one key alone", "pk-lf-1"],
    ["two lines", "pk-lf-1\nsk-lf-2"],
    ["a line too many", "pk-lf-1:sk-lf-2\nX: y"],
  ])("refuses %s, and does not quote it", (_, text) => {
    const { code, message } = meshErrorOf(() => keys(text));
    expect(code).toBe("invalid-config");
    expect(message).not.toContain("lf-1");
  });

  test.skipIf(process.platform === "win32")("refuses a file that others may read", () => {
    expect(meshErrorOf(() => keys("pk:sk", 0o644)).message).toMatch(/chmod 600/);
  });
});
