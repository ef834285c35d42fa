import { Policy } from "@adaos/core";
import type { Layout } from "@adaos/provision";
import { describe, expect, test } from "vitest";
import type { PolicyUpdate } from "./apply-policy.ts";
import { movesOf } from "./moves.ts";

function layoutOf(subnets: readonly string[], remote: readonly string[] = []): Layout {
  const server = (of: string) => ({ name: `nats-${of}`, of }) as Layout["servers"][number];
  const hub = (of: string) => ({ id: `${of}/hub`, role: "hub", nodeFile: of }) as const;
  return {
    mesh: "m",
    registryDir: "events",
    ports: {},
    servers: ["root", ...subnets].map(server),
    nodes: [{ id: "root", role: "root", nodeFile: "root" }, ...subnets.map(hub)],
    remote,
  };
}

describe("movesOf()", () => {
  test("names servers, daemons, streams and members that come and go, and nothing that stays", () => {
    const hubFile = (subnet: string, ...members: string[]): [string, string] => [
      subnet,
      JSON.stringify({ subnet, members: Object.fromEntries(members.map((name) => [name, {}])) }),
    ];
    const update: PolicyUpdate = {
      before: layoutOf(["alpha", "beta"]),
      plan: {
        layout: layoutOf(["alpha"], ["gamma"]),
        files: new Map([hubFile("alpha", "kitchen", "fresh")]),
        remoteKeys: new Set(),
      },
      changed: [],
      added: [],
      removed: [],
    };
    const holders = new Map([
      ["alpha", ["kitchen", "guest"]],
      ["beta", ["lamp"]],
    ]);
    const moves = movesOf(update, { policy: new Policy([]), holders });
    expect(moves.map(({ move, what, name }) => `${move} ${what} ${name}`)).toEqual([
      "goes server nats-beta",
      "goes daemon beta/hub",
      "goes stream EVENTS_beta",
      "goes stream DLQ_beta",
      "goes stream PROCESSING_beta",
      "goes stream METRICS_beta",
      "goes member alpha/guest",
      "goes member beta/lamp",
      "comes member alpha/fresh",
      "comes subnet elsewhere gamma",
    ]);
    expect(moves.filter(({ move, becomes }) => move === "goes" && becomes === undefined)).toEqual([]);
  });
});
