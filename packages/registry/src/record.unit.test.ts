import { MeshError } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { compareRecords, type EventRecord, parseRecords } from "./record.ts";

const COMPLETE = `
- name: nlp.intent.detected
  version: 1
  kind: event
  summary: Understood.
  status: stable
  schema: nlp/intent.detected/v1/schema.json
`;

const COMMAND = COMPLETE.replace("kind: event", "kind: command");

function refusal(text: string): string {
  try {
    parseRecords(text, "registry.yaml");
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "invalid-config") return thrown.message;
    throw thrown;
  }
  return "no refusal";
}

describe("parseRecords()", () => {
  test("fills in what a record may leave out", () => {
    expect(parseRecords(COMPLETE, "registry.yaml").map(({ record }) => record)).toEqual([
      {
        name: "nlp.intent.detected",
        version: 1,
        kind: "event",
        summary: "Understood.",
        status: "stable",
        producers: [],
        consumers: [],
        schema: "nlp/intent.detected/v1/schema.json",
        examples: [],
        invalid_examples: [],
        required_headers: [],
        semantics: { delivery: "at-least-once", idempotency_key: "event_id" },
      },
    ]);
  });

  test("knows where each field stands", () => {
    const [parsed] = parseRecords(COMPLETE, "registry.yaml");
    expect(parsed?.at("schema")).toBe("registry.yaml:7:11");
    expect(parsed?.at("examples")).toBe("registry.yaml:2:3");
  });

  test.each(["", "\n", "# to be filled\n", "[]"])("takes %j as a registry that begins", (text) => {
    expect(parseRecords(text, "registry.yaml")).toEqual([]);
  });

  test.each([
    ["no list", "events: []", "registry.yaml:1:1", "must be a list of events"],
    ["no record", "- 1", "registry.yaml:1:3", "must be a map with the fields of one event"],
    [
      "a wrong name",
      COMPLETE.replace("nlp.intent.detected\n", "Nlp\n"),
      "registry.yaml:2:9",
      "needs 2 to 8 tokens",
    ],
    [
      "a wrong version",
      COMPLETE.replace("version: 1", "version: 0"),
      "registry.yaml:3:12",
      "must be an integer from 1",
    ],
    [
      "a wrong kind",
      COMPLETE.replace("kind: event", "kind: query"),
      "registry.yaml:4:9",
      "event, command or reply",
    ],
    [
      "no status",
      COMPLETE.replace("  status: stable\n", ""),
      "registry.yaml:2:3",
      "status: is missing, it must be draft",
    ],
    ["a field of another name", `${COMPLETE}  sumary: x\n`, "registry.yaml:8:3", 'unknown key "sumary"'],
    [
      "a path out of the folder",
      COMPLETE.replace("nlp/", "../"),
      "registry.yaml:7:11",
      "inside the registry folder",
    ],
    [
      "an absolute path",
      COMPLETE.replace("nlp/", "/etc/"),
      "registry.yaml:7:11",
      "inside the registry folder",
    ],
    [
      "a Windows path",
      COMPLETE.replace("nlp/", "C:\\\\"),
      "registry.yaml:7:11",
      "inside the registry folder",
    ],
    [
      "a wrong glob",
      `${COMPLETE}  consumers: ["skill.*", "a b"]\n`,
      "registry.yaml:8:26",
      "tokens or * joined by dots",
    ],
    [
      "a delivery nobody offers",
      `${COMPLETE}  semantics: { delivery: once }\n`,
      "registry.yaml:8:26",
      "at-least-once",
    ],
    [
      "an event that may be lost",
      `${COMPLETE}  semantics: { delivery: at-most-once }\n`,
      "registry.yaml:8:26",
      "only a command may be lost",
    ],
    [
      "a command that may be lost and whose effect has a key",
      `${COMMAND}  semantics: { delivery: at-most-once, idempotency_key: idempotency_key }\n`,
      "registry.yaml:8:26",
      "its handler must not be lost",
    ],
    [
      "one whose effect has a key by a required header",
      `${COMMAND}  required_headers: [idempotency_key]\n  semantics: { delivery: at-most-once }\n`,
      "registry.yaml:9:26",
      "its handler must not be lost",
    ],
    ["bad YAML", "- name: [", "registry.yaml:1:", ""],
    ["a field twice", `${COMPLETE}  version: 2\n`, "registry.yaml:8:3", "unique"],
    ["a tag", `${COMPLETE}  producers: !secret [a]\n`, "registry.yaml:8:14", "!secret"],
  ])("refuses %s with place and remedy", (_, text, place, told) => {
    const message = refusal(text);
    expect(message).toContain(place);
    expect(message).toContain(told);
  });

  test("refuses aliases that expand without bounds", () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `  l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}*l${i}]`,
    );
    const bomb = `- l0: &l0 [x]\n${levels.join("\n")}\n`;
    expect(refusal(bomb)).toMatch(/^registry\.yaml:1:1 .*alias/);
  });
});

describe("compareRecords()", () => {
  test("sorts by name, then by version as a number", () => {
    const refs = ["b.a@1", "a.b@10", "a.b@9"].map((ref) => ref.split("@"));
    const records = refs.map(([name, version]) => ({ name, version: Number(version) }) as EventRecord);
    expect(records.toSorted(compareRecords).map(({ name, version }) => `${name}@${version}`)).toEqual([
      "a.b@9",
      "a.b@10",
      "b.a@1",
    ]);
  });
});
