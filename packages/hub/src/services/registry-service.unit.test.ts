import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleFolder, headingOf, PartialBundle, type RegistryBundle } from "@adaos/registry";
import type { Connection, RegistryOffer } from "@adaos/transport-nats";
import type { Msg, Subscription } from "nats";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { RegistryService } from "./registry-service.ts";

const SCHEMAS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));

let dir: string;
let bundle: RegistryBundle;
let keeper: RegistryService;
let offered: (error: null, msg: Msg) => void;

function open(): RegistryService {
  const nc = {
    subscribe: (_subject: string, options: { callback: typeof offered }): Partial<Subscription> => {
      offered = options.callback;
      return { unsubscribe: () => undefined };
    },
    isClosed: () => false,
  };
  const connection = { nc } as unknown as Connection;
  return new RegistryService(connection, join(dir, "cache.json"), new RecordingLog());
}

/** The hub's answer to an offer across the bridge. */
function say(offer: unknown): Promise<unknown> {
  const data = new TextEncoder().encode(typeof offer === "string" ? offer : JSON.stringify(offer));
  return new Promise((resolve) => {
    const respond = (text: string): boolean => {
      resolve(JSON.parse(text));
      return true;
    };
    offered(null, { data, respond } as unknown as Msg);
  });
}

function offerOf(of: RegistryBundle, part?: RegistryOffer["part"], root = "root"): RegistryOffer {
  return { root, ...headingOf(of), ...(part === undefined ? {} : { part }) };
}

function whole({ bytes }: RegistryBundle): NonNullable<RegistryOffer["part"]> {
  return { offset: 0, base64: Buffer.from(bytes).toString("base64") };
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-keeper-"));
  bundle = await bundleFolder(SCHEMAS);
  keeper = open();
  await keeper.start();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await keeper.stop();
  rmSync(dir, { recursive: true });
});

describe("RegistryService", () => {
  test("takes what the root offers part by part, serves it to members, and has it after a restart", async () => {
    expect(await keeper.serve({})).toEqual({});
    expect(await say(offerOf(bundle))).toEqual({ next: 0 });
    const half = Math.floor(bundle.bytes.length / 2);
    const base64 = (from: number, to?: number): string =>
      Buffer.from(bundle.bytes.subarray(from, to)).toString("base64");
    expect(await say(offerOf(bundle, { offset: 0, base64: base64(0, half) }))).toEqual({ next: half });
    expect(await say(offerOf(bundle, { offset: half, base64: base64(half) }))).toEqual({
      have: bundle.digest,
    });
    const partial = new PartialBundle(headingOf(bundle), "the hub");
    const part = { digest: bundle.digest, offset: 0 };
    const { partBase64 = "" } = await keeper.serve({ part });
    partial.add(0, Buffer.from(partBase64, "base64"));
    expect((await partial.read()).registry.hash).toBe(bundle.registry.hash);
    const next = open();
    await next.start();
    expect(await next.serve({})).toEqual(headingOf(bundle));
  });

  test("an offer without a part begins anew what was cut short", async () => {
    await say(offerOf(bundle, { offset: 0, base64: Buffer.from("abc").toString("base64") }));
    expect(await say(offerOf(bundle))).toEqual({ next: 0 });
  });

  test("keeps the last good one when the next cannot be used, and says why", async () => {
    await say(offerOf(bundle, whole(bundle)));
    const bad = { ...headingOf(bundle), digest: "0".repeat(64), hash: "1".repeat(64) };
    expect(await say({ root: "root", ...bad, part: whole(bundle) })).toHaveProperty("refused");
    expect(await keeper.serve({})).toEqual(headingOf(bundle));
    expect(keeper.health()).toMatchObject({
      ready: true,
      note: expect.stringMatching(/registry other: .* here, 11111111 at the root, which is not taken/),
    });
  });

  test.each([
    ["no JSON", "{"],
    ["no offer", {}],
    ["one of unknown fields", { root: "root", hash: "x", digest: "y", bytes: 1, more: 1 }],
  ])("refuses %s", async (_what, offer) => {
    expect(await say(offer)).toHaveProperty("refused");
  });

  test("listens to one root daemon until it is silent", async () => {
    const other = join(dir, "other");
    cpSync(SCHEMAS, other, { recursive: true });
    const index = join(other, "registry.yaml");
    writeFileSync(index, readFileSync(index, "utf8").replace("status: stable", "status: deprecated"));
    const differing = await bundleFolder(other);
    await say(offerOf(bundle, whole(bundle)));
    expect(await say(offerOf(differing, whole(differing), "root-2"))).toEqual({ refused: "listens to root" });
    const nowMs = performance.now();
    vi.spyOn(performance, "now").mockReturnValue(nowMs + 60_000);
    expect(await say(offerOf(differing, whole(differing), "root-2"))).toEqual({ have: differing.digest });
  });

  test.each([
    [{ part: 1 }],
    [{ part: { digest: "../x", offset: 0 } }],
    [{ part: { digest: "a", offset: -1 } }],
    ["x"],
  ])("refuses a member's request %j", async (request) => {
    await expect(keeper.serve(request)).rejects.toMatchObject({ code: "usage" });
  });
});
