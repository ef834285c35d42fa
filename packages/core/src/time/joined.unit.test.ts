import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { joined } from "./joined.ts";

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Returns a signal that alone refers to its timeout. */
function untilTimeout(ms: number): AbortSignal {
  return joined([new AbortController().signal, AbortSignal.timeout(ms)]);
}

test("a joined signal aborts with its first source, whatever is collected meanwhile", async () => {
  const signal = untilTimeout(100);
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collectGarbage();
  }
  await expect.poll(() => signal.aborted, { timeout: 5000 }).toBe(true);
  expect((signal.reason as Error).name).toBe("TimeoutError");
});
