import { describe, expect, test } from "vitest";
import { letterEvent, reportOf } from "./letter-event.ts";

const SUBJECT = "dlq.beta.desk.screen.4711-EVT-20260105-093000-5f2c1a9b7e31";
const LETTER = {
  dead_letter_id: "DLQ-EVENTS_beta-4711-desk.screen",
  at: "2026-01-05T09:30:00.000Z",
  error: { type: "Error", message: "the screen did not answer\nat line 1", stack: "" },
  attempts: [{}, {}, {}, {}],
  node: "beta/desk",
  durable: "screen",
  subject: "evt.alpha.kitchen.ui.notify.v1",
  event_id: "EVT-20260105-093000-5f2c1a9b7e31",
};

function report(changes: object = {}, subject: string = SUBJECT): ReturnType<typeof reportOf> {
  return reportOf(subject, new TextEncoder().encode(JSON.stringify({ ...LETTER, ...changes })));
}

describe("reportOf()", () => {
  test("tells whose durable gave up which event, after how many attempts and why", () => {
    expect(report()).toEqual({
      data: {
        at: LETTER.at,
        dead_letter_id: LETTER.dead_letter_id,
        node: "beta/desk",
        durable: "screen",
        event: "ui.notify@1",
        event_id: LETTER.event_id,
        attempts: 4,
        reason: "the screen did not answer",
      },
    });
  });

  test.each([
    [
      "the letter of a report: it would bring about the next",
      { subject: "evt.beta.hub.mesh.delivery.dead_lettered.v1" },
    ],
    ["a run, which is no event", { kind: "run", subject: "" }],
    ["a message that was no event", { subject: "ui.stray", event_id: "" }],
    ["a letter that claims to be another's", { node: "beta/lamp" }],
    ["what is no dead letter", { attempts: "many" }],
  ])("is silent about %s", (_, changes) => {
    expect(report(changes)).toEqual({ silent: expect.any(String) });
  });

  test("is silent about what cannot be read", () => {
    expect(reportOf(SUBJECT, new TextEncoder().encode("{"))).toEqual({ silent: "unreadable" });
    expect(report({}, "dlq.beta")).toEqual({ silent: "unreadable" });
  });

  test.each([
    ["nothing", "", "Error"],
    ["too much", "x".repeat(9000), "x".repeat(500)],
    ["unseen letters", "\u202e".repeat(400), expect.stringMatching(/^.{1,500}$/)],
  ])("has a reason that the schema takes, where the error says %s", (_, message, reason) => {
    expect(report({ error: { ...LETTER.error, message } })).toMatchObject({ data: { reason } });
  });
});

describe("letterEvent()", () => {
  test("has one id for a letter, however often it is stored or reported", () => {
    const first = report();
    if (!("data" in first)) throw new Error("not reported");
    expect(letterEvent(first.data, 0)).toMatchObject({
      id: letterEvent(first.data, 7).id,
      name: "mesh.delivery.dead_lettered",
    });
    expect(letterEvent(first.data, 0).data).not.toHaveProperty("unreported");
    expect(letterEvent(first.data, 0).data).not.toHaveProperty("at");
    expect(letterEvent(first.data, 7).data).toMatchObject({ unreported: 7 });
  });
});
