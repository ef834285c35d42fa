import { regionDurable } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import { filtersOverlap } from "../../../../test/kit/nats-wildcards.ts";
import { regionAccounts, regionExports } from "./compile-regions.ts";
import { placeholderKey } from "./example-config.ts";

const KEYS = new Map(["east", "south"].map((name) => [name, placeholderKey(name)]));
const account = regionAccounts(KEYS)["REGION_east"] as {
  users: { permissions: { publish: { allow: string[] }; subscribe: { allow: string[] } } }[];
  imports: { service: { account: string; subject: string } }[];
};
const rights = account.users[0]?.permissions;

describe("the account of another region", () => {
  test("publishes to its own durable only, and hears its own replies only", () => {
    const own = `MESH.${regionDurable("east")}`;
    for (const subject of rights?.publish.allow ?? []) expect(subject).toContain(own);
    expect(rights?.subscribe.allow).toEqual(["_INBOX_region-east.>"]);
  });

  test("reaches nothing of another region, of a subnet or of the stream", () => {
    const foreign = [
      "$JS.API.CONSUMER.MSG.NEXT.MESH.region_south",
      "$JS.ACK.MESH.region_south.>",
      "$JS.API.CONSUMER.MSG.NEXT.MESH.to-cellar",
      "$JS.API.STREAM.>",
      "$JS.API.CONSUMER.CREATE.>",
      "$JS.API.INFO",
      "evt.>",
      "link.>",
      "join.>",
    ];
    for (const subject of foreign)
      for (const allowed of rights?.publish.allow ?? []) expect(filtersOverlap(subject, allowed)).toBe(false);
  });

  test("imports the name under which a server would else import all of JetStream", () => {
    expect(account.imports.map(({ service }) => service.subject)).toContain("$JS.API.INFO");
  });
});

describe("regionExports()", () => {
  test("gives each region its own services, and each subject one export", () => {
    const exports = regionExports(KEYS) as { service: string; accounts: string[] }[];
    expect(new Set(exports.map(({ service }) => service)).size).toBe(exports.length);
    for (const { service, accounts } of exports) {
      if (service === "$JS.API.INFO") expect(accounts).toEqual(["REGION_east", "REGION_south"]);
      else expect(accounts).toEqual([service.includes("region_east") ? "REGION_east" : "REGION_south"]);
    }
  });

  test("is empty without regions", () => {
    expect([regionExports(new Map()), regionAccounts(new Map())]).toEqual([[], {}]);
  });
});
