import type { MeshHealth } from "@adaos/supervise";
import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { printHealth } from "./print-health.ts";
import type { Terminal } from "./terminal.ts";

const HEALTH: MeshHealth = {
  mesh: "demo",
  ready: false,
  components: [
    { kind: "server", name: "nats-root", ready: true, note: "nats://127.0.0.1:1" },
    { kind: "link", name: "up alpha", ready: false, note: "source: away" },
  ],
  config: { errors: [] },
};
const BROKEN = { file: "/m/mesh.yaml", place: "mesh.yaml:3:5", message: "no such key", remedy: "mend it" };

function printed(json: boolean, health = HEALTH): { out: string[]; say: string[] } {
  const [out, say]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    say: (line) => void say.push(line),
    outIsTty: false,
    colors: pc.createColors(false),
  };
  printHealth(health, json, terminal);
  return { out, say };
}

describe("printHealth()", () => {
  test("prints a line for each server, node and link", () => {
    expect(printed(false)).toEqual({
      out: ["server  nats-root  ready      nats://127.0.0.1:1", "link    up alpha   NOT READY  source: away"],
      say: [],
    });
  });

  test("prints a line for each file that is broken: its place, and what to do", () => {
    const { out } = printed(false, { ...HEALTH, components: [], config: { errors: [BROKEN] } });
    expect(out).toEqual(["config  mesh.yaml:3:5  BROKEN  no such key; mend it"]);
  });

  test("prints one JSON object", () => {
    const { out, say } = printed(true);
    expect([out.map((line) => JSON.parse(line)), say]).toEqual([[HEALTH], []]);
  });
});
