import { describe, expect, test } from "vitest";
import { Gate } from "./bridge-out.ts";

const EVENTS = [
  { name: "lab.person", version: 1, kind: "event", classes: ["secret", "pii"] },
  { name: "lab.badge", version: 2, kind: "event", classes: ["pii"] },
  { name: "lab.notice", version: 1, kind: "event", classes: [] },
  { name: "shop.order", version: 1, kind: "event", classes: ["pii"] },
] as const;

function gate(clearance: readonly ("pii" | "secret")[]): { gate: Gate; said: string[] } {
  const said: string[] = [];
  const options = { patterns: ["lab."], clearance, events: EVENTS, say: (line: string) => said.push(line) };
  return { gate: new Gate(options), said };
}

describe("Gate", () => {
  test("tells at the start what of the patterns it holds back, and why", () => {
    expect(gate([]).said).toEqual([
      "not sent: lab.person@1 has data that is secret and pii; --clearance secret,pii lets it out",
      "not sent: lab.badge@2 has data that is pii; --clearance pii lets it out",
    ]);
    expect(gate(["pii"]).said).toEqual([
      "not sent: lab.person@1 has data that is secret; --clearance secret,pii lets it out",
    ]);
    expect(gate(["secret", "pii"]).said).toEqual([]);
  });

  test("judges by what the event is when it comes, and tells of each once", () => {
    const { gate: own, said } = gate(["secret"]);
    const before = said.length;
    expect(own.lets({ name: "lab.notice", version: 1 }, [])).toBe(true);
    expect(own.lets({ name: "lab.badge", version: 2 }, ["pii"])).toBe(false);
    expect(said).toHaveLength(before);
    for (let i = 0; i < 3; i++) expect(own.lets({ name: "lab.notice", version: 2 }, ["pii"])).toBe(false);
    expect(said.slice(before)).toEqual([expect.stringContaining("lab.notice@2")]);
    expect(own.lets({ name: "lab.notice", version: 3 }, ["secret"])).toBe(true);
  });
});
