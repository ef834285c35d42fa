import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@adaos/client";
import type { Bus } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adaos, type CliResult, HOME, TestMesh } from "../kit/mesh.ts";

const YAML = `
mesh: kept
registry: schemas/events
subnets:
  alpha:
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
  beta:
    import: [ui.]
    members:
      desk: { subscribe: [ui.] }
`;
/** Marks on the member's disk, marks at its hub, and a durable that waits for its handler. */
const DURABLES = ["member", "hub"] as const;
const WAITING = "later";
const silent = (): void => undefined;
const QUIET = { debug: silent, info: silent, warn: silent, error: silent };

/** When each event was handled, by durable. */
type Effects = Map<string, Map<string, number[]>>;

let mesh: TestMesh;
let folder: string;
/** Where the mesh is restored: nothing of the first folder is used there. */
let elsewhere: string;
const before: Effects = new Map();
/** When each event was published: its publisher knew that it was stored. */
const published = new Map<string, number>();
const buses: Bus[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adaos-backup-"));
  elsewhere = join(folder, "other machine", "state");
  mesh = await TestMesh.start({ yaml: YAML.replace("schemas/events", join(HOME, "schemas/events")) });
  // The mesh file names its registry as a user's does, so that it can move.
  cpSync(join(HOME, "schemas/events"), join(mesh.dir, "schemas/events"), {
    recursive: true,
    filter: (path) => !path.includes("node_modules"),
  });
  writeFileSync(mesh.configFile, YAML);
  await mesh.up();
});

afterAll(async () => {
  for (const bus of buses) await bus.close();
  await adaos(["down", "--state", elsewhere]);
  await mesh.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function handle(bus: Bus, effects: Effects, durables: readonly string[]): Promise<void> {
  for (const durable of durables) {
    const seen = new Map<string, number[]>();
    effects.set(durable, seen);
    const idempotency = durable === "hub" ? "hub" : "member";
    await bus.subscribe("ui.notify", { durable, startAt: "all", idempotency }, ({ event_id }) => {
      seen.set(event_id, [...(seen.get(event_id) ?? []), Date.now()]);
    });
  }
}

function run(args: readonly string[], state: string): Promise<CliResult> {
  return adaos(args, { env: { ADAOS_STATE: state }, cwd: folder });
}

async function ok(args: readonly string[], state: string): Promise<CliResult> {
  const result = await run(args, state);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result;
}

describe("a backup of a mesh under load", () => {
  test("is taken while publishers, links and handlers go on", async () => {
    const desk = await mesh.connect("beta/desk");
    const kitchen = await mesh.connect("alpha/kitchen");
    // It is known, and its handler is away.
    const waiting = await desk.subscribe("ui.notify", { durable: WAITING, startAt: "all" }, silent);
    await waiting.stop();
    await handle(desk, before, DURABLES);
    let isLoading = true;
    const publishing = Array.from({ length: 8 }, async (_, lane) => {
      for (let i = 0; isLoading; i++) {
        const { eventId } = await kitchen.publish("ui.notify", { text: `${lane} ${i}` });
        published.set(eventId, Date.now());
      }
    });
    await expect.poll(() => before.get("hub")?.size ?? 0).toBeGreaterThan(500);
    const taken = await ok(["backup", "--output", "whole.adaos", "--json"], mesh.state);
    const { streams, missing } = JSON.parse(taken.stdout) as { streams: number; missing: unknown[] };
    expect(streams).toBeGreaterThan(10);
    expect(missing).toEqual([]);
    isLoading = false;
    await Promise.all(publishing);
    await Promise.all([desk.close(), kitchen.close()]);
    expect(statSync(join(folder, "whole.adaos")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  test("is taken again on top, and stores little of what it had", async () => {
    const taken = await ok(
      ["backup", "--output", "next.adaos", "--base", "whole.adaos", "--json"],
      mesh.state,
    );
    const { bytes } = JSON.parse(taken.stdout) as { bytes: number };
    expect(bytes).toBeGreaterThan(0);
    const verified = await ok(["backup", "verify", "next.adaos", "--json"], mesh.state);
    expect(JSON.parse(verified.stdout)).toMatchObject({ mesh: "kept", keys: false });
    expect((JSON.parse(verified.stdout) as { backups: unknown[] }).backups).toHaveLength(2);
    rmSync(join(folder, "next.adaos"));
  });

  test("is not taken without a hub that hangs, unless it may be left out", async () => {
    const refused = await run(["backup", "--output", "x.adaos", "--subnet", "gamma"], mesh.state);
    expect(refused.code).toBe(64);
    expect(refused.stderr).toContain("gamma");
    const exists = await run(["backup", "--output", "whole.adaos"], mesh.state);
    expect(exists).toMatchObject({ code: 64, stdout: "" });
    expect(existsSync(join(folder, "x.adaos"))).toBe(false);
  });

  test("is restored elsewhere, where the mesh starts from it", async () => {
    await mesh.adaos(["down"]);
    const told = await ok(["restore", "whole.adaos", "--dry-run", "--json"], elsewhere);
    expect(JSON.parse(told.stdout)).toMatchObject({ mesh: "kept", dry_run: true });
    expect(existsSync(elsewhere)).toBe(false);
    const restored = await ok(["restore", "whole.adaos", "--json"], elsewhere);
    expect(JSON.parse(restored.stdout)).toMatchObject({ mesh: "kept", problem: null });
    const again = await run(["restore", "whole.adaos"], elsewhere);
    expect(again.code).toBe(64);
    rmSync(mesh.state, { recursive: true });
    rmSync(join(mesh.dir, "schemas"), { recursive: true });
    await ok(["up", "--detach"], elsewhere);
    const verified = await ok(["store", "verify", "--deep", "--json"], elsewhere);
    expect(JSON.parse(verified.stdout)).toMatchObject({ damaged: 0, known_losses: [] });
  });

  test("brings back each event: handled ones are not handled again, others are handled once", async () => {
    const desk = await connect({ as: "beta/desk", state: elsewhere, log: QUIET });
    buses.push(desk);
    const after: Effects = new Map();
    await handle(desk, after, [...DURABLES, WAITING]);
    const verified = await ok(["backup", "verify", "whole.adaos", "--json"], elsewhere);
    const times = JSON.parse(verified.stdout) as { began_at: string; ended_at: string };
    const [began, ended] = [Date.parse(times.began_at), Date.parse(times.ended_at)];
    const kept = [...published].filter(([, atMs]) => atMs < began).map(([id]) => id);
    expect(kept.length).toBeGreaterThan(500);
    // The durable that had no handler gets every event that was stored when the backup began.
    await expect
      .poll(() => kept.filter((id) => after.get(WAITING)?.has(id) !== true), { timeout: 30_000 })
      .toEqual([]);
    for (const durable of DURABLES) {
      const first = before.get(durable) ?? new Map<string, number[]>();
      const second = after.get(durable) ?? new Map<string, number[]>();
      const doneBy = (id: string, atMs: number): boolean =>
        (first.get(id)?.[0] ?? Number.POSITIVE_INFINITY) < atMs;
      // What was handled during the backup may be in it or not.
      await expect
        .poll(() => kept.filter((id) => !doneBy(id, ended) && !second.has(id)), { timeout: 30_000 })
        .toEqual([]);
      expect([...second.keys()].filter((id) => doneBy(id, began))).toEqual([]);
    }
    for (const seen of after.values()) expect([...seen].filter(([, times]) => times.length > 1)).toEqual([]);
    await expect.poll(async () => (await run(["ledger"], elsewhere)).code, { timeout: 30_000 }).toBe(0);
  });
});
