import { programText, STREAM_FORMAT } from "@adaos/core/wire";
import { describe, expect, it } from "vitest";
import { planUpgrade, type UpgradeFacts } from "./plan-upgrade.ts";

const OWN = programText();
const SOUND: UpgradeFacts = {
  nodes: [{ node: "root", program: OWN }],
  formats: [],
  streams: [{ at: "alpha", name: "EVENTS_alpha", metadata: { [STREAM_FORMAT]: "1" } }],
  servers: [{ name: "nats-root", version: "2.15.1" }],
  natsServer: "2.15.1",
  nodeVersion: "20.19.4",
  freeBytes: 2 ** 40,
  stateDir: "/state",
};

describe("planUpgrade", () => {
  it("is ready when nothing is against it", () => {
    expect(planUpgrade(SOUND)).toMatchObject({ ready: true, findings: [], restarts: [] });
  });

  it("restarts receivers before senders: root daemons, hubs, members; only those of another program", () => {
    const nodes = ["alpha/kitchen", "alpha/hub", "beta/hub", "root", "root-2", "beta/desk"].map((node) => {
      return { node, program: node === "beta/hub" ? OWN : "0.0.9/1" };
    });
    const { restarts } = planUpgrade({ ...SOUND, nodes });
    expect(restarts.map(({ node }) => node)).toEqual([
      ...["root", "root-2", "alpha/hub", "alpha/kitchen", "beta/desk"],
    ]);
  });

  it.each<[string, Partial<UpgradeFacts>, string, string]>([
    [
      "a file of a later version",
      { formats: [{ place: "f", message: "f has format 9" }] },
      "invalid-config",
      "f",
    ],
    [
      "a stream of a later version",
      { streams: [{ at: "alpha", name: "EVENTS_alpha", metadata: { [STREAM_FORMAT]: "9" } }] },
      ...(["invalid-config", "alpha"] as const),
    ],
    [
      "a node of another machine that speaks another protocol",
      { nodes: [{ node: "gamma/hub", program: "9.0.0/9", heardBy: "root" }] },
      ...(["unavailable", "gamma/hub"] as const),
    ],
    ["an old Node.js", { nodeVersion: "18.20.0" }, "unavailable", "this machine"],
    ["a full disk", { freeBytes: 1000 }, "unavailable", "/state"],
    ["an old nats-server", { natsServer: "2.10.1", servers: [] }, "unavailable", "nats-server"],
    [
      "a nats-server older than the one that runs",
      { servers: [{ name: "nats-root", version: "2.16.0" }] },
      ...(["unavailable", "nats-root"] as const),
    ],
  ])("waits for %s", (_, facts, code, about) => {
    const { ready, findings } = planUpgrade({ ...SOUND, ...facts });
    expect(ready).toBe(false);
    expect(findings).toMatchObject([{ level: "blocks", code, about }]);
  });

  it.each<[string, Partial<UpgradeFacts>]>([
    [
      "a daemon of this machine that speaks another protocol",
      { nodes: [{ node: "a/b", program: "9.0.0/9" }] },
    ],
    ["a server that does not answer", { servers: [{ name: "nats-root", version: undefined }] }],
    ["no nats-server", { natsServer: undefined, servers: [] }],
    ["another nats-server", { servers: [{ name: "nats-root", version: "2.14.9" }] }],
  ])("tells of %s, and is ready", (_, facts) => {
    const { ready, findings } = planUpgrade({ ...SOUND, ...facts });
    expect(findings).toMatchObject([{ level: "note" }]);
    expect(ready).toBe(true);
  });
});
