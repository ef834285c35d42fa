import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { probe } from "./probe.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "adaos-probe-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function script(text: string): Promise<string> {
  const path = join(dir, "nats-server");
  await writeFile(path, text, { mode: 0o755 });
  return path;
}

describe("probe()", () => {
  test("gives the version of a binary that will do", async () => {
    const path = await script('#!/bin/sh\n[ "$*" = --version ] && echo "nats-server: v2.15.1"\n');
    expect(await probe(path)).toEqual({ kind: "usable", version: "2.15.1" });
  });

  test.each([
    ["too old", '#!/bin/sh\necho "nats-server: v2.9.10"\n', "version 2.9.10 is older"],
    ["another program", "#!/bin/sh\necho hello\n", "does not answer like nats-server"],
    ["failing", "#!/bin/sh\necho broken >&2\nexit 3\n", "failed: broken"],
    ["failing without a word", "#!/bin/sh\nexit 3\n", "failed with exit code 3"],
    ["dying by a signal", "#!/bin/sh\nkill -ILL $$\n", "failed with SIGILL"],
    ["for another machine", "\u007fELF?", "failed"],
    ["talking without end", "#!/bin/sh\nyes\n", "printed far too much"],
  ])("says why a binary is of no use: %s", async (_, text, reason) => {
    const path = await script(text);
    expect(await probe(path)).toEqual({ kind: "unusable", reason: expect.stringContaining(reason) });
  });

  test("says that a file is missing or may not be run", async () => {
    const path = await script("#!/bin/sh\n");
    await chmod(path, 0o644);
    expect(await probe(path)).toEqual({ kind: "unusable", reason: "not executable" });
    expect(await probe(join(dir, "none"))).toEqual({ kind: "unusable", reason: "not found" });
  });

  test("gives up on a binary that hangs", async () => {
    const path = await script("#!/bin/sh\nexec sleep 600\n");
    const result = await probe(path, { timeoutMs: 200 });
    expect(result).toEqual({ kind: "unusable", reason: "did not end within 0.2 s" });
  });

  test("rejects with the signal's reason", async () => {
    const path = await script("#!/bin/sh\nexec sleep 600\n");
    const reason = new Error("stopped");
    await expect(probe(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const running = probe(path, { signal: controller.signal });
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });
});
