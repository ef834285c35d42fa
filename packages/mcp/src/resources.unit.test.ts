import type { EventRecord } from "@adaos/registry";
import { describe, expect, test } from "vitest";
import { resourcePage } from "./resources.ts";

const records = [...Array(250).keys()].map(
  (i) => ({ name: `lab.sample${i}.weighed`, version: 1 }) as EventRecord,
);

describe("resourcePage()", () => {
  test("gives every resource once, some hundred at a time", () => {
    const uris: string[] = [];
    let pages = 0;
    for (let cursor: string | undefined, next = true; next; pages++) {
      const { resources, nextCursor } = resourcePage({ records }, cursor);
      expect(resources.length).toBeLessThanOrEqual(302);
      uris.push(...resources.map(({ uri }) => uri));
      cursor = nextCursor;
      next = nextCursor !== undefined;
    }
    expect([pages, uris.length, new Set(uris).size]).toEqual([3, 752, 752]);
  });

  test.each(["", "0", "-1", "1e9", "999999", "x", "1 "])("refuses the cursor %j", (cursor) => {
    expect(() => resourcePage({ records }, cursor)).toThrow(/no page/);
  });
});
