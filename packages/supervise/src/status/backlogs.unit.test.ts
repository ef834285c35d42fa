import { describe, expect, test } from "vitest";
import { backlogsByName } from "./backlogs.ts";

describe("backlogsByName()", () => {
  test("names links and members, and counts the longest backlog of a member", () => {
    const of = (stream: string, consumer: string, pending: number) => ({ stream, consumer, pending });
    const found = backlogsByName(
      ["alpha", "beta"],
      [
        of("EVENTS_alpha", "root", 3),
        of("EVENTS_alpha", "kitchen_screen", 1),
        of("EVENTS_alpha", "kitchen_log", 7),
        of("MESH", "to-beta", 5),
        of("MESH", "of-somebody", 9),
        of("EVENTS_gamma", "root", 9),
        of("EVENTS_beta", "nameless", 9),
      ],
    );
    expect(Object.fromEntries(found)).toEqual({ "up alpha": 3, "alpha/kitchen": 7, "down beta": 5 });
  });
});
