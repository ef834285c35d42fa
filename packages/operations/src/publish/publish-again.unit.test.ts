import { MeshError, type MeshErrorCode } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { type Attempt, publishAgain } from "./publish-again.ts";

const ID = "EVT-20260101-000000-abcdef";

/** Ends the attempts as these say, the later ones as the last. */
function attempts(...ends: readonly (MeshErrorCode | "stored")[]): {
  readonly publish: () => Promise<string>;
  readonly made: () => number;
} {
  let made = 0;
  const publish = async (): Promise<string> => {
    const end = ends[Math.min(made++, ends.length - 1)] ?? "stored";
    if (end !== "stored") throw new MeshError(end, `attempt ${made}`);
    return end;
  };
  return { publish, made: () => made };
}

describe("publishAgain()", () => {
  test("tries again while the hub is away", async () => {
    const { publish, made } = attempts("unavailable", "timeout", "unavailable", "stored");
    expect(await publishAgain(ID, 10_000, publish, 0)).toBe("stored");
    expect(made()).toBe(4);
  });

  test("tries once where there is no time to wait, and does not wait for what does not pass", async () => {
    for (const [waitMs, end] of [
      [0, "unavailable"],
      [10_000, "denied"],
    ] as const) {
      const { publish, made } = attempts(end, "stored");
      await expect(publishAgain(ID, waitMs, publish, 0)).rejects.toMatchObject({ code: end });
      expect(made()).toBe(1);
    }
  });

  test("tells that the event may be stored, and its id, when one attempt had no answer", async () => {
    for (const last of ["unavailable", "denied"] as const)
      await expect(publishAgain(ID, 20, attempts("timeout", last).publish, 1)).rejects.toMatchObject({
        code: "timeout",
        message: `attempt 1; repeat it with --event-id ${ID}, and it is stored once`,
      });
  });

  test("gives up an attempt that hangs: the event may be stored when it was sent, and is not sent later", async () => {
    let go: () => void = () => undefined;
    const hangs = new Promise<void>((resolve) => {
      go = resolve;
    });
    const sent: string[] = [];
    const ends: Promise<unknown>[] = [];
    const hang =
      (text: string, when: "connecting" | "sent"): Attempt<string> =>
      (onSend) => {
        const end = (async () => {
          if (when === "connecting") await hangs;
          onSend();
          sent.push(text);
          await hangs;
          return text;
        })();
        ends.push(end);
        return end;
      };
    await expect(publishAgain(ID, 20, hang("a", "sent"), 1)).rejects.toMatchObject({
      code: "timeout",
      message: `the hub did not answer within 20 ms; repeat it with --event-id ${ID}, and it is stored once`,
    });
    await expect(publishAgain(ID, 20, hang("b", "connecting"), 1)).rejects.toMatchObject({
      code: "unavailable",
      message: "no hub to publish to within 20 ms",
    });
    go();
    await Promise.allSettled(ends);
    expect(sent).toEqual(["a"]);
  });
});
