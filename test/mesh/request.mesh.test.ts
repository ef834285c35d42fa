import { NonRetryableError, RetryableError } from "@adaos/client";
import type { StreamInfo } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leftovers, TestMesh, until } from "../kit/mesh.ts";

const YAML = `
mesh: request
registry: ../schemas/events
subnets:
  alpha:
    export: [repo.]
    signatures: { sign: k1 }
    members:
      kitchen: { publish: [repo., scenario.], subscribe: [repo.skill.installed] }
      speaker: { subscribe: [repo., scenario.] }
  beta:
    import: [repo.skill.install]
    signatures: { sign: k1 }
    members:
      desk: { publish: [repo.], subscribe: [repo.] }
`;
const INSTALL = { skill: "weather", version: "1.2.0" };
const INSTALLED = { ...INSTALL, status: "installed" };

const silent = (): void => undefined;
const _SILENT = { debug: silent, info: silent, warn: silent, error: silent };

describe("request()", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
    await mesh.untilReported();
  });
  afterAll(async () => {
    await mesh.stop();
  });

  test("tells at once when nobody handles a command, and sends nothing", async () => {
    const desk = await mesh.connect("beta/desk");
    const before = await stored("beta");
    await expect(desk.request("repo.skill.install", INSTALL, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: "no-handler",
      message: expect.stringContaining("nobody handles repo.skill.install@1"),
    });
    expect(await stored("beta")).toBe(before);
    // What may leave the subnet may have a handler elsewhere: nobody can know.
    const kitchen = await mesh.connect("alpha/kitchen");
    await expect(kitchen.request("repo.skill.install", INSTALL, { timeoutMs: 500 })).rejects.toMatchObject({
      code: "timeout",
    });
  });

  test("gets what a handler in another subnet returns, without a rule for the reply", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("repo.skill.install", { durable: "installer" }, ({ data }) => ({
      ...data,
      status: "installed",
    }));
    const reply = await kitchen.request("repo.skill.install", INSTALL);
    expect(reply).toMatchObject({
      event_name: "repo.skill.install.result",
      kind: "reply",
      source: "app@desk",
      data: INSTALLED,
    });
    const many = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        kitchen.request("repo.skill.install", { skill: `s${i}`, version: "1.0.0" }),
      ),
    );
    expect(many.map(({ data }) => data.skill)).toEqual(Array.from({ length: 100 }, (_, i) => `s${i}`));
    expect((await kitchen.request("repo.skill.install", INSTALL)).correlation_id).not.toBe(
      reply.correlation_id,
    );
    await desk.close();
  });

  test("gets a reply that came while its server was away", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    let begun = false;
    let mayEnd = false;
    await desk.subscribe("repo.skill.install", { durable: "installer" }, async () => {
      begun = true;
      await until("it may end", () => mayEnd);
      return INSTALLED;
    });
    const reply = kitchen.request("repo.skill.install", INSTALL, { timeoutMs: 30_000 });
    await until("it is handled", () => begun);
    const pid = mesh.pid("nats-alpha");
    process.kill(pid, "SIGKILL");
    await until("the server is gone", async () => (await leftovers([pid], [])).length === 0);
    mayEnd = true;
    expect((await reply).data).toEqual(INSTALLED);
    await desk.close();
  });

  test("is told of a failure that time does not cure, and not of one that it does", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    let attempts = 0;
    await desk.subscribe("repo.skill.install", { durable: "installer", retry: { baseMs: 50 } }, () => {
      if (++attempts === 1) throw new RetryableError("not yet");
      throw new NonRetryableError("no such skill");
    });
    await expect(kitchen.request("repo.skill.install", INSTALL)).rejects.toMatchObject({
      code: "failed",
      message: "beta/desk could not handle repo.skill.install@1: no such skill",
    });
    expect(attempts).toBe(2);
    await desk.close();
  });

  test("is told when what the handler returns is no reply by the registry", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("repo.skill.install", { durable: "installer" }, () => ({ status: "done" }));
    await expect(kitchen.request("repo.skill.install", INSTALL)).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("breaks its schema"),
    });
    await desk.close();
  });

  test("is answered by who handles the command, not by who only looks on", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    let seen = 0;
    await speaker.subscribe("repo.", { durable: "looker" }, () => {
      seen++;
      throw new NonRetryableError("I only look on");
    });
    await expect(kitchen.request("repo.skill.install", INSTALL, { timeoutMs: 1500 })).rejects.toMatchObject({
      code: "timeout",
    });
    expect(seen).toBe(1);
    await speaker.subscribe("repo.skill.install", { durable: "installer" }, () => INSTALLED);
    expect((await kitchen.request("repo.skill.install", INSTALL)).source).toBe("app@speaker");
    await speaker.close();
  });

  test("refuses what is no command, has no reply, or is not allowed", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    const installed = { skill: "a", version: "1.0.0" };
    await expect(kitchen.request("repo.skill.installed", installed)).rejects.toMatchObject({ code: "usage" });
    await expect(kitchen.request("scenario.run", { name: "morning" })).rejects.toMatchObject({
      code: "unknown-event",
    });
    await expect(speaker.request("repo.skill.install", INSTALL)).rejects.toMatchObject({ code: "denied" });
    await expect(kitchen.broadcast("repo.skill.install", INSTALL)).rejects.toMatchObject({ code: "usage" });
  });

  test("lets no reply in to a command that policy does not let out, nor one under another's name", async () => {
    const { nc: attacker } = await mesh.openMember("beta/desk");
    const id = "EVT-20250923-162000-0123456789ab";
    const body = JSON.stringify({ made: "up" });
    const denied: string[] = [];
    void (async () => {
      for await (const { data } of attacker.status()) denied.push(String(data));
    })();
    const tried = [
      // The server refuses what is not under its own name.
      `rpy.far.alpha.kitchen.${id}.beta.hub.repo.skill.install.v1`,
      `rpy.far.alpha.kitchen.${id}.alpha.speaker.repo.skill.install.v1`,
      `rpy.near.alpha.kitchen.${id}.alpha.speaker.repo.skill.install.v1`,
      `got.far.alpha.kitchen.${id}.beta.desk.repo.skill.install.v1`,
      // Nor what answers a command that it may not even take.
      `rpy.far.alpha.kitchen.${id}.beta.desk.scenario.run.v1`,
    ];
    for (const subject of tried) attacker.publish(subject, body);
    // These it stores; no link takes them.
    const own = [
      // Its own subnet imports no such command.
      `rpy.far.alpha.kitchen.${id}.beta.desk.repo.skill.installed.v1`,
      `rpy.near.alpha.kitchen.${id}.beta.desk.repo.skill.install.v1`,
      `rpy.far.alpha.kitchen.${id}.beta.desk.repo.skill.install.v1`,
    ];
    for (const subject of own) await attacker.request(subject, body, { timeout: 5000 });
    await until("the refusals are told", () => denied.length >= tried.length);
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("repo.skill.install", { durable: "installer" }, () => INSTALLED);
    // What is published later has overtaken nothing: links keep order.
    expect((await kitchen.request("repo.skill.install", INSTALL)).source).toBe("app@desk");
    expect(await storedUnder("alpha", `rpy.*.alpha.kitchen.${id}.>`)).toBe(0);
    await attacker.close();
  });

  function streamInfo(subnet: string, subjects_filter?: string): Promise<StreamInfo> {
    const options = subjects_filter === undefined ? {} : { subjects_filter };
    return mesh.asService(subnet, async (nc) =>
      (await nc.jetstreamManager()).streams.info(`EVENTS_${subnet}`, options),
    );
  }

  const stored = async (subnet: string): Promise<number> => (await streamInfo(subnet)).state.messages;
  const storedUnder = async (subnet: string, filter: string): Promise<number> =>
    Object.keys((await streamInfo(subnet, filter)).state.subjects ?? {}).length;
});
