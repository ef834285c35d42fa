import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { nkeys } from "nats";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { makeJoinCode } from "./join-code.ts";
import { admissionSchema, noneSchema, openAnswer, openRequest, sealAnswer, signRequest } from "./protocol.ts";

const NONCE = "0123456789abcdef";
const code = makeJoinCode(true);

describe("openRequest()", () => {
  test("takes what the key of the invitation has signed, and no other key, byte or length", () => {
    const request = { op: "look", nonce: NONCE } as const;
    const signed = signRequest(request, code.seed);
    expect(openRequest(signed, code.publicKey)).toEqual(request);
    expect(() => openRequest(signed, makeJoinCode(true).publicKey)).toThrow(/not signed/);
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Uint8Array.from(signed);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(() => openRequest(changed, code.publicKey)).toThrow(/not signed/);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => openRequest(bytes, code.publicKey)).toThrow(/not signed/);
      }),
    );
  });
});

describe("openRequest() of who joins", () => {
  const join = { op: "join", nonce: NONCE, stateDir: "/s", registryDir: "/r", rootHost: "h" } as const;
  const opened = (key: string): unknown => {
    const keys = { "alpha/members/hall": key };
    const request = { ...join, ports: { port: 1 }, keys };
    return openRequest(signRequest(request, code.seed), code.publicKey);
  };

  test("takes no key whose checksum is wrong, which would stand in a config that no server takes", () => {
    const key = nkeys.createUser().getPublicKey();
    expect(opened(key)).toMatchObject({ keys: { "alpha/members/hall": key } });
    const turned = `${key.slice(0, 20)}${key[20] === "A" ? "B" : "A"}${key.slice(21)}`;
    for (const wrong of [`U${"A".repeat(55)}`, turned, nkeys.createAccount().getPublicKey(), "", `${key}A`])
      expect(() => opened(wrong)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("openAnswer()", () => {
  test("takes what was sealed for this request, and nothing that was changed on its way", () => {
    const sealed = sealAnswer({ ok: {} }, code.sealKey, NONCE);
    expect(openAnswer(sealed, code.sealKey, NONCE, noneSchema)).toEqual({});
    expect(() => openAnswer(sealed, code.sealKey, `${NONCE}0`, noneSchema)).toThrow(/not from the root/);
    expect(() => openAnswer(sealed, makeJoinCode(true).sealKey, NONCE, noneSchema)).toThrow(
      /not from the root/,
    );
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(() => openAnswer(changed, code.sealKey, NONCE, noneSchema)).toThrow(/not from the root/);
      }),
    );
  });

  test("throws what the root has refused with", () => {
    const refused = { code: "denied", message: "this code was used already" } as const;
    const sealed = sealAnswer({ refused }, code.sealKey, NONCE);
    expect(() => openAnswer(sealed, code.sealKey, NONCE, noneSchema)).toThrow(
      expect.objectContaining(refused),
    );
  });
});

describe("sealAnswer()", () => {
  test("refuses with sizes what is too large for a message, which would never arrive", () => {
    const noise = randomBytes(1_200_000).toString("base64");
    const sealed = sealAnswer({ ok: noise }, code.sealKey, NONCE);
    expect(sealed.length).toBeLessThan(1000);
    expect(() => openAnswer(sealed, code.sealKey, NONCE, z.string())).toThrow(
      expect.objectContaining({ code: "too-large", message: expect.stringMatching(/divide the subnet/) }),
    );
    const long = sealAnswer({ ok: "a".repeat(8_000_000) }, code.sealKey, NONCE);
    expect(openAnswer(long, code.sealKey, NONCE, z.string())).toHaveLength(8_000_000);
  });
});

describe("admissionSchema", () => {
  const server = { name: "nats-gamma", of: "gamma", configFile: "/s/servers/gamma.conf", url: "nats://h:1" };
  const node = { id: "gamma/hub", role: "hub", nodeFile: "/s/nodes/gamma/hub.json" };
  const layout = { mesh: "demo", joinedTo: "h", servers: [server], nodes: [node], registryDir: "/r", new: 1 };
  const taken = (more: object): boolean =>
    admissionSchema.safeParse({ layout: { ...layout, ...more }, files: [], signatureKeys: [] }).success;

  test("takes a hub with its members, and what a later version adds", () => {
    const nodes = [node, { ...node, id: "gamma/hall", role: "member" }];
    expect(taken({})).toBe(true);
    expect(taken({ nodes })).toBe(true);
    expect(taken({ servers: [{ ...server, more: 1 }], nodes })).toBe(true);
  });

  test.each<[string, object]>([
    ["a node whose outbox would be outside", { nodes: [{ ...node, id: "gamma/../../../home/hall" }] }],
    ["a node whose keys are all keys", { nodes: [{ ...node, id: "../hub" }] }],
    ["a node without a subnet", { nodes: [{ ...node, id: "root" }] }],
    ["a server whose log would be outside", { servers: [{ ...server, name: "nats-/../../../etc/cron" }] }],
    ["a server of another name", { servers: [{ ...server, name: "../nats" }] }],
    ["further servers with configs of their own", { servers: [{ ...server, fellows: [server] }] }],
    ["a mesh file on this machine", { configFile: "/etc/passwd" }],
    ["a viewer", { viewer: { host: "0.0.0.0", port: 80 } }],
  ])("takes no layout that names %s", (_, more) => {
    expect(taken(more)).toBe(false);
  });
});
