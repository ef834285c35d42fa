import { describe, expect, test } from "vitest";
import type { EventDoc } from "./event-doc.ts";
import { searchEvents } from "./search-events.ts";

const doc = (ref: string, more: object): EventDoc => {
  const record = { kind: "event", status: "stable", summary: "", producers: [], consumers: [] };
  return { ref, record: { ...record, ...more }, description: "", fields: [], ...more } as unknown as EventDoc;
};
const field = (path: string, more: object = {}) => ({ path, description: "", constraints: [], ...more });
const EVENTS = [
  doc("ui.notify@1", { fields: [field("text"), field("urgency", { constraints: ["one of low, high"] })] }),
  doc("nlp.intent.detected@1", {
    producers: ["skill.nlp"],
    fields: [field("slots.city"), field("speaker", { classification: "pii" })],
  }),
];
const found = (question: string) =>
  searchEvents(EVENTS, question).map(({ doc: { ref }, where }) => [ref, where]);

describe("searchEvents()", () => {
  test("finds by name, field, component, classification and constraint", () => {
    expect(found("NOTIFY")).toEqual([["ui.notify@1", undefined]]);
    expect(found("city")).toEqual([["nlp.intent.detected@1", "field slots.city"]]);
    expect(found("skill.nlp")).toEqual([["nlp.intent.detected@1", "producer skill.nlp"]]);
    expect(found("pii")).toEqual([["nlp.intent.detected@1", "classification of speaker"]]);
    expect(found("low")).toEqual([["ui.notify@1", "description of urgency"]]);
  });

  test("wants every word, and finds all without one", () => {
    expect(found("ui urgency")).toEqual([["ui.notify@1", "field urgency"]]);
    expect(found("ui city")).toEqual([]);
    expect(found("  ")).toHaveLength(2);
  });
});
