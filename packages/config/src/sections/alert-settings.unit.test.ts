import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readMeshFile } from "../mesh-file.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-alert-settings-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function read(alerts: string): unknown {
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, `mesh: m\nalerts:\n  ${alerts}\nsubnets: { alpha: { members: { a: {} } } }\n`);
  return readMeshFile(file).alerts;
}

const FORMS = "must be false, or a map of threshold, forSeconds, clearSeconds and severity";
const ops = (more: string): string => `webhooks: { ops: { ${more} } }`;

describe("alerts of a mesh file", () => {
  test.each([
    ["rules: { linkDwn: false }", 12, 'unknown key "linkDwn"'],
    ["rules: { linkDown: true }", 22, FORMS],
    ["rules: { linkDown: null }", 22, FORMS],
    ["rules: { linkDown: { threshold: -1 } }", 35, "linkDown.threshold: Too small"],
    ["rules: { linkDown: { forSeconds: soon } }", 36, "linkDown.forSeconds: Invalid input: expected number"],
    ["rules: { linkDown: { for: 3 } }", 24, 'unknown key "for"'],
    ["rules: { linkDown: { severity: fatal } }", 34, "linkDown.severity: Invalid option"],
    ["rules: { linkLagging: { threshold: .nan } }", 38, "linkLagging.threshold: Invalid input"],
    ["rules: { streamNearlyFull: { threshold: 80 } }", 43, "must be a share from 0 to 1, such as 0.8"],
    ["rules: { probeUnhealthy: { clearSeconds: 100000 } }", 44, "clearSeconds: Too big"],
    ["everySeconds: 0", 17, "everySeconds: Too small"],
    ["messagesPerMinute: 1000", 22, "messagesPerMinute: Too big"],
    [ops("kind: teams, urlFile: x"), 28, "ops.kind: Invalid option"],
    [ops("kind: slack, urlFile: x, severities: []"), 59, "ops.severities: Too small"],
    [ops("kind: slack"), 20, "ops.urlFile: Invalid input"],
    [ops("kind: slack, urlFile: x, url: y"), 47, 'unknown key "url"'],
    ["webhooks: { Ops: { kind: slack, urlFile: x } }", 15, "must be 1 to 32 of a-z 0-9 -"],
  ])("that say %s are refused with the place", (alerts, column, message) => {
    expect(() => read(alerts)).toThrow(new RegExp(`mesh\\.yaml:3:${column} .*${escaped(message)}`));
  });

  test("may change each rule, or turn it off", () => {
    expect(read("rules: { linkDown: false, probeSloBurns: { threshold: 2 } }")).toMatchObject({
      everySeconds: 15,
      rules: { linkDown: false, probeSloBurns: { threshold: 2 } },
    });
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
