import type { Layout } from "@adaos/provision";
import { describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { hubServers } from "./hubs.ts";

/** Of a machine that a single member has joined. */
const JOINED: Layout = {
  mesh: "demo",
  joinedTo: "192.0.2.1",
  registryDir: "events",
  ports: {},
  servers: [],
  nodes: [{ id: "alpha/hall", role: "member", nodeFile: "n" }],
};

describe("hubServers()", () => {
  test.each([undefined, "alpha", "beta"])(
    "says where a single member has joined that its hub is elsewhere, asked for %j",
    (subnet) => {
      const { code, message } = meshErrorOf(() => hubServers(JOINED, subnet));
      expect([code, message]).toEqual(["usage", expect.stringMatching(/hub of alpha is on another|beta/)]);
      expect(message).toContain("another");
      expect(message).not.toMatch(/undefined|there are/);
    },
  );
});
