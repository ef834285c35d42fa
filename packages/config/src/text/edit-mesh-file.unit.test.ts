import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { withMember, withoutMember } from "./edit-mesh-file.ts";

const DEFAULT_MESH = fileURLToPath(new URL("../../../../deploy/mesh.yaml", import.meta.url));
const HALL = { subnet: "alpha", node: "hall" };
const RIGHTS = { roles: [], publish: ["ui."], subscribe: ["*", "ui.notify@1"] };

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-edit-"));
  file = join(dir, "mesh.yaml");
});
afterEach(() => rmSync(dir, { recursive: true }));

function added(text: string): string {
  writeFileSync(file, text);
  return withMember(file, HALL, RIGHTS);
}

/** The lines that one text has and the other lacks. */
function difference(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return {
    gone: old.filter((line) => !now.includes(line)),
    come: now.filter((line) => !old.includes(line)),
  };
}

const LINE = 'hall: { publish: [ui.], subscribe: ["*", ui.notify@1] }';

describe("withMember()", () => {
  test("adds one line to the default mesh, and changes no other", () => {
    const before = readFileSync(DEFAULT_MESH, "utf8");
    expect(difference(before, added(before))).toEqual({ gone: [], come: [`      ${LINE}`] });
  });

  test.each([
    [
      "odd spaces",
      "mesh:  m   # here\nsubnets:\n   alpha:\n      export:   [ui.,  nlp.]\n      members:\n         a: {}\n",
    ],
    [
      "a list below a member",
      "mesh: m\nsubnets:\n  alpha:\n    members:\n      a:\n        publish:\n        - ui. # all\n  # beta\n  beta: {}\n",
    ],
    ["no line end", "mesh: m\nsubnets:\n  alpha:\n    members:\n      a: { publish: [ui.] }"],
    [
      "a comment behind",
      "mesh: m\nsubnets:\n  alpha:\n    members:\n      a: {} # last\n      # none below\n",
    ],
    ["no members yet", "mesh: m\nsubnets:\n  alpha:\n    export:   [ui.] # so far\n  beta: {}\n"],
  ])("leaves every line as it is written: %s", (_, text) => {
    const after = added(text);
    expect(difference(text, after).gone).toEqual([]);
    expect(parse(after).subnets.alpha.members.hall).toEqual({
      publish: ["ui."],
      subscribe: RIGHTS.subscribe,
    });
  });

  test("adds it between brackets", () => {
    const text = "mesh: m\nsubnets: {alpha: {members: {a: {publish: [ui.]}}}}\n";
    expect(added(text)).toBe(`mesh: m\nsubnets: {alpha: {members: {a: {publish: [ui.]}, ${LINE}}}}\n`);
  });

  test.each(["members: {}", "members: {a: &x {publish: [ui.]}, b: *x}"])(
    "means the same where the text leaves no place for it: %s",
    (members) => {
      const after = parse(added(`mesh: m\nsubnets:\n  alpha:\n    ${members}\n`));
      expect(after.subnets.alpha.members.hall).toEqual({ publish: ["ui."], subscribe: RIGHTS.subscribe });
    },
  );
});

describe("withoutMember()", () => {
  test("takes the line that was added away again", () => {
    const before = readFileSync(DEFAULT_MESH, "utf8");
    writeFileSync(file, added(before));
    expect(withoutMember(file, HALL)).toBe(before);
  });

  test("takes a member of several lines, and leaves none for the last one", () => {
    const text =
      "mesh: m\nsubnets:\n  alpha:\n    members:\n      a:   {}\n      hall:\n        publish:\n        - ui.\n  beta: {}\n";
    writeFileSync(file, text);
    expect(withoutMember(file, HALL)).toBe(
      "mesh: m\nsubnets:\n  alpha:\n    members:\n      a:   {}\n  beta: {}\n",
    );
    writeFileSync(file, "mesh: m\nsubnets:\n  alpha:\n    members:\n      hall: {}\n");
    expect(parse(withoutMember(file, HALL)).subnets.alpha.members).toEqual({});
  });
});
