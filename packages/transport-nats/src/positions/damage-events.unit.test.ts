import { MeshError, type Message } from "@adaos/core";
import { Signatures } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { type DamageAudience, DamageEvents } from "./damage-events.ts";
import { damageKind, type StoreDamage } from "./store-damage.ts";

const DAMAGE: StoreDamage = {
  stream: "MESH",
  kind: "cut",
  foundAt: "2026-01-05T09:30:00.000Z",
  isNew: false,
  intactTo: 10,
  lost: [
    { from: 4, to: 5 },
    { from: 11, to: 20 },
  ],
  durablesAnew: ["to-beta"],
};
const ALPHA: DamageAudience = { subnet: "alpha", tenant: "acme" };
const BETA: DamageAudience = { subnet: "beta", tenant: "acme" };

/** The content of the book of positions; it survives the daemon. */
let open: Map<string, string>;
let audiences: DamageAudience[];
let told: { subnet: string; subject: string; id: string | undefined; data: object }[];
/** The reason why each subnet refuses writes. */
let refusals: Map<string, MeshError>;
let damages: DamageEvents;

function newDaemon(): DamageEvents {
  return new DamageEvents({
    node: "root",
    audiences: () => audiences,
    signatures: new Signatures(),
    kept: {
      open,
      setOpen: (name, value) => (value === undefined ? open.delete(name) : open.set(name, value)),
    },
    publish,
    log: new RecordingLog(),
  });
}

async function publish(subnet: string, { subject, id, body }: Message): Promise<void> {
  const refusal = refusals.get(subnet);
  if (refusal !== undefined) throw refusal;
  told.push({ subnet, subject, id, data: JSON.parse(new TextDecoder().decode(body)).data });
}

beforeEach(() => {
  vi.useFakeTimers();
  [open, audiences, told, refusals] = [new Map(), [ALPHA, BETA], [], new Map()];
  damages = newDaemon();
});
afterEach(async () => {
  await damages.stop();
  vi.useRealTimers();
});

describe("damageKind()", () => {
  const kindOf = (isNew: boolean, intactTo: number, now: number, wasMissing = false): string =>
    damageKind({ isNew, intactTo, lost: [] }, { recorded: 20, now }, wasMissing);

  test("tells apart what was made anew, what lacks its end, and what gave numbers again", () => {
    expect(kindOf(true, 20, 20, true)).toBe("missing");
    expect(kindOf(true, 20, 20)).toBe("recreated");
    expect(kindOf(false, 10, 10)).toBe("cut");
    expect(kindOf(false, 10, 11)).toBe("rewound");
    expect(kindOf(false, 10, 40)).toBe("rewound");
    expect(kindOf(false, 20, 40)).toBe("holes");
  });
});

describe("DamageEvents", () => {
  test("tell each subnet once, what is gone and who brings it back", async () => {
    await damages.start();
    damages.note(DAMAGE, "hubs");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toMatchObject([
      { subnet: "alpha", subject: "evt.alpha.root.mesh.store.damaged.v1" },
      { subnet: "beta", subject: "evt.beta.root.mesh.store.damaged.v1" },
    ]);
    expect(told[0]?.data).toEqual({
      node: "root",
      stream: "MESH",
      kind: "cut",
      found_at: "2026-01-05T09:30:00.000Z",
      lost: 12,
      first_seq: 4,
      last_seq: 20,
      durables: ["to-beta"],
      refilled_by: "hubs",
    });
    expect(damages.health().details).toEqual({ untold: 0 });
  });

  test("tell what nobody took again under the same id, the next daemon as well", async () => {
    refusals.set("beta", new MeshError("unavailable", "is away"));
    await damages.start();
    damages.note(DAMAGE, "hubs");
    await vi.advanceTimersByTimeAsync(12_000);
    expect(told.map(({ subnet }) => subnet)).toEqual(["alpha"]);
    const [kept = ""] = open.values();
    await damages.stop();
    refusals.clear();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(told).toHaveLength(1);
    damages = newDaemon();
    await damages.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(told.slice(1)).toMatchObject([{ subnet: "beta", id: JSON.parse(kept).id }]);
    expect(open.size).toBe(0);
  });

  test("of a stream that tenants share tell no place and no durable", async () => {
    audiences = [ALPHA, { subnet: "beta", tenant: "other" }];
    await damages.start();
    damages.note(DAMAGE, "hubs");
    await vi.advanceTimersByTimeAsync(0);
    const { foundAt: found_at } = DAMAGE;
    expect(told[1]?.data).toEqual({
      node: "root",
      stream: "MESH",
      kind: "cut",
      found_at,
      refilled_by: "hubs",
    });
  });

  test("give up what can never be stored, and a subnet that is gone", async () => {
    refusals.set("alpha", new MeshError("denied", "may not"));
    refusals.set("beta", new MeshError("unavailable", "is away"));
    await damages.start();
    damages.note(DAMAGE, "hubs");
    await vi.advanceTimersByTimeAsync(0);
    audiences = [ALPHA];
    await vi.advanceTimersByTimeAsync(6000);
    expect([open.size, told.length]).toEqual([0, 0]);
  });
});
