import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Account, FATES } from "./balance.ts";

const EVENT = { id: "EVT-1", place: "EVENTS_beta 1" };

describe("Account", () => {
  test("adds up to what was published, whatever became of it", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FATES), { maxLength: 60 }), (fates) => {
        const account = new Account("beta/desk/screen");
        for (const fate of fates) account.add(fate, EVENT);
        const row = account.row();
        expect(row.published).toBe(fates.length);
        expect(FATES.reduce((sum, fate) => sum + row[fate], 0)).toBe(fates.length);
      }),
    );
  });

  test("names what is missing", () => {
    const account = new Account("beta/desk/screen");
    account.add("handled", EVENT);
    account.add("missing", { id: "EVT-2", place: "MESH 7" });
    expect(account.row()).toMatchObject({
      ...{ handled: 1, missing: 1, unmarked: 0 },
      missing_events: [{ id: "EVT-2", place: "MESH 7" }],
    });
  });

  test("calls nothing missing of a durable that leaves no marks at all", () => {
    const account = new Account("beta/desk/screen");
    account.add("missing", EVENT);
    account.add("dead", EVENT);
    expect(account.row()).toMatchObject({
      published: 2,
      unmarked: 1,
      missing: 0,
      missing_events: [],
      dead: 1,
    });
  });
});
