import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NonRetryableError } from "@adaos/client";
import { nodeFilePath, readNodeFile } from "@adaos/config";
import { AuditTrail } from "@adaos/operations";
import { nkeys } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

interface Report {
  readonly code: number;
  readonly healthy: boolean;
  readonly findings: readonly {
    level: string;
    group: string;
    about: string;
    problem: string;
    mend: string;
  }[];
  readonly checks: readonly { group: string; outcome: string; reason?: string; took_ms: number }[];
  readonly away: readonly { of: string }[];
}

interface Entry {
  readonly action: string;
  readonly who: string;
  readonly what: string;
  readonly outcome: string;
  readonly count: number;
  readonly stored_at: readonly string[];
  readonly waiting_for: readonly string[];
}

const YAML = readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8");

describe("adaos doctor and adaos audit, on a real mesh", () => {
  let mesh: TestMesh;

  async function doctor(...args: readonly string[]): Promise<Report> {
    const { code, stdout } = await mesh.ask(["doctor", "--json", ...args]);
    return { ...(JSON.parse(stdout) as Omit<Report, "code">), code };
  }

  const faults = ({ findings }: Report): string[] =>
    findings.filter(({ level }) => level === "fault").map(({ group, about }) => `${group} ${about}`);

  async function audit(...args: readonly string[]): Promise<Entry[]> {
    const { stdout } = await mesh.ask(["audit", "--json", ...args]);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Entry);
  }

  /** Once the mesh is healthy again. */
  const untilHealthy = (): Promise<unknown> =>
    until("the mesh is healthy", async () => (await doctor()).code === 0, 60_000);

  beforeAll(async () => {
    mesh = await TestMesh.start();
  });
  afterAll(() => mesh.stop());

  test("finds nothing wrong with a mesh that is well, and tells of each check", async () => {
    await untilHealthy();
    const { healthy, checks, away } = await doctor();
    expect([healthy, away]).toEqual([true, []]);
    expect(checks.length).toBeGreaterThanOrEqual(15);
    expect(checks.filter(({ outcome }) => outcome === "unknown")).toEqual([]);
  });

  test("notices a mesh file that is not in force, and tells the place of one that is broken", async () => {
    mesh.configure(YAML.replace("subscribe: [nlp., ui.]", "subscribe: [ui.]"));
    const changed = await doctor("--only", "policy");
    expect([changed.code, faults(changed)]).toEqual([0, []]);
    expect(changed.findings.map(({ problem }) => problem)).toContain("the mesh file is not what is in force");
    mesh.configure(`${YAML}\nnonsense: true\n`);
    const broken = await doctor("--only", "config");
    expect([broken.code, broken.healthy]).toEqual([1, false]);
    expect(broken.findings.map(({ mend }) => mend)).toEqual([
      `adaos policy check --config ${mesh.configFile}`,
    ]);
    mesh.configure(YAML);
    await untilHealthy();
  });

  test("names the key that opens nothing; its command mends it, and is recorded", async () => {
    const { config, path } = readNodeFile(nodeFilePath(mesh.state, "alpha/kitchen"), "member");
    const stranger = new TextDecoder().decode(nkeys.createUser().getSeed());
    writeFileSync(path(config.server.seedFile), stranger, { mode: 0o600 });
    const { code, findings } = await doctor("--only", "rights");
    expect(code).toBe(1);
    expect(findings).toMatchObject([
      { about: "alpha/kitchen", problem: "its key opens nothing", mend: "adaos policy apply" },
    ]);
    const mended = await mesh.ask([...(findings[0]?.mend ?? "").split(" ").slice(1), "--yes"]);
    expect(mended.code, mended.stderr).toBe(0);
    expect((await doctor("--only", "rights")).code).toBe(0);
    const rotated = await mesh.ask(["node", "rotate", "alpha/kitchen"]);
    expect(rotated.code, rotated.stderr).toBe(0);
    expect(await audit("--what", "rotate")).toMatchObject([
      {
        ...{ action: "node.rotate", what: "alpha/kitchen", outcome: "done", count: 1 },
        who: expect.stringContaining("@"),
        ...{ stored_at: ["alpha", "beta"], waiting_for: [] },
      },
    ]);
  });

  test("answers in time where a server hangs; what that hub does not hear of is brought to it later", async () => {
    const thaw = mesh.freeze("nats-beta");
    try {
      const startMs = performance.now();
      const report = await doctor();
      expect(performance.now() - startMs).toBeLessThan(30_000);
      expect(report.code).toBe(1);
      expect(faults(report)).toEqual(expect.arrayContaining(["processes supervisor", "servers nats-beta"]));
      expect(report.away.map(({ of }) => of)).toEqual(["beta"]);
      // Of what depends on that server nothing is told twice.
      expect(faults(report).filter((about) => about.includes("beta/"))).toEqual([]);
      const said: string[] = [];
      const trail = new AuditTrail(mesh.state, (line) => said.push(line));
      await trail.record({ action: "alerts.silence", what: "link down" }, async (tally) => tally(1));
      expect(said.join()).toContain("not at beta yet");
      expect(await audit("--what", "silence")).toMatchObject([
        { stored_at: ["alpha"], waiting_for: ["beta"] },
      ]);
    } finally {
      thaw();
    }
    await until("the record is everywhere", async () => {
      const [entry] = await audit("--what", "silence", "--forward");
      return entry?.waiting_for.length === 0 && entry.stored_at.length === 2;
    });
    await untilHealthy();
  });

  test("adaos ledger adds up what became of events, and names the one that was settled without an effect", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const handled: string[] = [];
    const subscribe = async (): Promise<() => Promise<void>> => {
      const desk = await mesh.connect("beta/desk");
      await desk.subscribe("ui.notify", { durable: "screen" }, ({ event_id: id, data }) => {
        if (JSON.stringify(data).includes("bad")) throw new NonRetryableError("is bad");
        handled.push(id);
      });
      return () => desk.close();
    };
    const stop = await subscribe();
    const publish = async (text: string): Promise<string> =>
      (await kitchen.publish("ui.notify", { text })).eventId;
    const since = new Date().toISOString();
    const first = [await publish("one"), await publish("two")];
    await publish("bad");
    await until("the first are handled", () => handled.length === first.length);
    await until("the bad one is a dead letter", async () => {
      return (await mesh.ask(["events", "dlq", "list", "--at", "beta", "--json"])).stdout !== "";
    });
    await stop();
    const lost = await publish("lost");
    const last = await publish("last");
    await mesh.ask(["events", "tail", "ui.notify", "--at", "beta", "--since", "1h", "--count", "5"]);
    await acknowledgeOne(mesh);
    await subscribe();
    await until("the last is handled", () => handled.includes(last));
    const { code, stdout } = await mesh.ask(["ledger", "--since", since, "--json"]);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(1);
    expect(rows.find(({ durable }) => durable === "beta/desk/screen")).toMatchObject({
      ...{ published: 5, handled: 3, dead: 1, missing: 1, pending: 0, denied: 0 },
      missing_events: [{ id: lost, place: expect.stringMatching(/^EVENTS_beta \d+$/) }],
    });
  });

  test("of a mesh that is down tells that alone, and how to start it", async () => {
    await mesh.adaos(["down"]);
    const report = await doctor();
    expect([report.code, faults(report)]).toEqual([1, ["processes demo"]]);
    expect(report.findings[0]?.mend).toContain(`adaos up --detach --state ${mesh.state}`);
    expect(await audit("--what", "silence")).toMatchObject([{ outcome: "done", count: 1 }]);
  });
});

/** As a program does that acknowledges what it was given, and dies before it has done anything. */
async function acknowledgeOne(mesh: TestMesh): Promise<void> {
  const bare = await mesh.openMember("beta/desk");
  try {
    const consumer = await bare.nc.jetstream({ checkAPI: false }).consumers.get("EVENTS_beta", "desk_screen");
    for await (const message of await consumer.fetch({ max_messages: 1, expires: 10_000 }))
      await message.ackAck();
  } finally {
    await bare.close();
  }
}
