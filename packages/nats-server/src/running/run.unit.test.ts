import { expect, test } from "vitest";
import { run } from "./run.ts";

const NOBODY = 65_534;

test.runIf(process.getuid?.() === 0)(
  "a program that root runs for another user cannot become root again",
  async () => {
    const ids = async (): Promise<string> => {
      const { stdout } = await run("grep", ["-E", "^(Uid|Gid|Groups|CapPrm):", "/proc/self/status"], {
        timeoutMs: 5000,
        cwd: "/",
      });
      return stdout.replaceAll(/\s+/g, " ").trim();
    };
    process.setegid?.(NOBODY);
    process.seteuid?.(NOBODY);
    let found: string;
    try {
      found = await ids();
      expect(process.geteuid?.()).toBe(NOBODY);
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
    }
    const four = `${NOBODY} `.repeat(4);
    expect(found).toBe(`Uid: ${four}Gid: ${four}Groups: CapPrm: 0000000000000000`);
    expect(await ids()).toMatch(/^Uid: 0 0 0 0 Gid: 0 0 0 0 /);
  },
);
