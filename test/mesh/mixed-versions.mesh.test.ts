import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Bus } from "@adaos/client";
import { NonRetryableError } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beginAdaos, type CliRun, HOME, TestMesh, until } from "../kit/mesh.ts";
import { type Daemon, ExchangedProgram } from "../kit/release-before.ts";

/*
 * One mesh on its way from the release before to today's version and back, daemon by daemon. What every mesh does
 * works in between: events both ways, dead letters, the registry, and changes of policy.
 */

const yaml = (registry: string, ...granted: readonly string[]): string => `
mesh: mixed
registry: ${registry}
subnets:
  alpha:
    export: [ui., test.]
    import: [ui.]
    members:
      kitchen: { publish: [${["ui.", ...granted].join(", ")}], subscribe: [ui.] }
  beta:
    export: [ui.]
    import: [ui., test.]
    members:
      desk: { publish: [ui.], subscribe: [ui., test.] }
      lamp: { subscribe: [ui.] }
`;

interface Component {
  readonly name: string;
  readonly ready: boolean;
  readonly details?: { readonly registry?: { readonly hash?: string; readonly hub?: string } };
}

describe("a mesh of two versions", { timeout: 240_000 }, () => {
  let mesh: TestMesh;
  let program: ExchangedProgram;
  let folder: string;
  let registry: string;
  let kitchen: Bus;
  let desk: Bus;
  /** A program of the release before, which stays connected to the end. */
  let lamp: CliRun;
  let printed = "";
  const atDesk: string[] = [];
  const atKitchen: string[] = [];
  const granted: string[] = [];
  let letters = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adaos-test-"));
    registry = join(folder, "registry");
    cpSync(join(HOME, "schemas/events"), registry, { recursive: true });
    program = new ExchangedProgram(join(folder, "program"));
    mesh = await TestMesh.start({
      yaml: yaml(registry),
      cli: program.cli,
    });
    kitchen = await mesh.connect("alpha/kitchen", { waitForServer: true });
    desk = await mesh.connect("beta/desk", { waitForServer: true });
    const hear = ({ data }: { readonly data: unknown }): void => {
      const { text } = data as { readonly text: string };
      if (text.startsWith("bad")) throw new NonRetryableError("no such room");
      atDesk.push(text);
    };
    await desk.subscribe("ui.", { durable: "all" }, hear);
    await desk.subscribe("test.", { durable: "tests" }, hear);
    await kitchen.subscribe("ui.", { durable: "all" }, ({ data }) => {
      atKitchen.push((data as { readonly text: string }).text);
    });
    // The other copy changes its version.
    const before = new ExchangedProgram(join(folder, "before"));
    lamp = beginAdaos(
      ["events", "subscribe", "ui.", "--as", "beta/lamp", "--durable", "all", "--start", "all"],
      {
        cli: before.cli,
        env: { ADAOS_STATE: mesh.state },
      },
    );
    lamp.child.stdout?.on("data", (chunk: string) => {
      printed += chunk;
    });
    lamp.child.stderr?.on("data", (chunk: string) => {
      printed += chunk;
    });
  });
  afterAll(async () => {
    lamp?.child.kill();
    await lamp?.result;
    await mesh?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const components = async (): Promise<readonly Component[]> => (await mesh.health()).components;
  const allReady = (): Promise<void> =>
    until("all is ready", async () => (await components()).every(({ ready }) => ready), 60_000);

  /** Ends a daemon. The supervisor starts it anew from the program as it is now. */
  async function restart(...names: readonly string[]): Promise<void> {
    const pids = names.map((name) => [name, mesh.pid(name)] as const);
    for (const [, pid] of pids) process.kill(pid, "SIGTERM");
    await until(`${names.join(", ")}: another process`, () =>
      pids.every(([name, pid]) => mesh.isReplaced(name, pid)),
    );
    await allReady();
  }

  async function exchange(
    daemon: Daemon,
    version: "before" | "today",
    ...names: readonly string[]
  ): Promise<void> {
    program.exchange(daemon, version);
    await restart(...names);
  }

  const hashes = async (): Promise<ReadonlySet<string | undefined>> =>
    new Set(
      (await components())
        .filter(({ name }) => /^(alpha|beta)\//.test(name))
        // Members have a folder of their own beside what their hub serves.
        .map(({ details }) => details?.registry?.hub ?? details?.registry?.hash),
    );

  /** A new event: the root tells its hubs, hubs tell their members. Then a right to publish it. */
  async function changeRules(stage: string): Promise<void> {
    const path = `test/${stage}/v1/schema.json`;
    mkdirSync(join(registry, dirname(path)), { recursive: true });
    const schema = readFileSync(join(registry, "ui/notify/v1/schema.json"), "utf8");
    writeFileSync(join(registry, path), schema.replace("ui.notify", `test.${stage}`));
    const [old] = await hashes();
    const record = `\n- { name: test.${stage}, version: 1, kind: event, summary: Of a test., status: stable, schema: ${path} }\n`;
    appendFileSync(join(registry, "registry.yaml"), record);
    const isEverywhere = async (): Promise<boolean> => {
      const [now, ...others] = await hashes();
      return now !== old && others.length === 0;
    };
    await until("the registry is everywhere", isEverywhere, 60_000).catch(async (thrown: unknown) => {
      process.stdout.write(`${JSON.stringify(await components())}\n`);
      throw thrown;
    });
    granted.push(`test.${stage}`);
    mesh.configure(yaml(registry, ...granted));
    const applied = await mesh.adaos(["policy", "apply", "--yes"]);
    expect([applied.code, applied.stderr]).toEqual([0, ""]);
    const published = (): Promise<boolean> =>
      kitchen.publish(`test.${stage}`, { text: `new ${stage}` }).then(
        () => true,
        () => false,
      );
    await until("the right to publish it is known", published);
    await until("it is there", () => atDesk.includes(`new ${stage}`));
  }

  async function expectWorks(stage: string): Promise<void> {
    const { eventId } = await kitchen.publish("ui.notify", { text: `${stage} there` });
    await desk.publish("ui.notify", { text: `${stage} back` });
    await kitchen.publish("ui.notify", { text: `bad ${stage}` });
    await until("there", () => atDesk.includes(`${stage} there`));
    await until("back", () => atKitchen.includes(`${stage} back`));
    letters += 1;
    await until(`at the program of the release before: ${printed.slice(-2000)}`, () =>
      printed.includes(eventId),
    );
    await until("the dead letter is stored", () =>
      mesh.asService("beta", async (nc) => {
        const { streams } = await nc.jetstreamManager();
        return (await streams.info("DLQ_beta")).state.messages === letters;
      }),
    );
  }

  test("all of the release before", async () => {
    await allReady();
    await expectWorks("before");
  });

  test("a new root, old hubs and members", async () => {
    await exchange("root", "today", "root");
    await expectWorks("new root");
    await changeRules("rooted");
  });

  test("a new hub beside an old one, with old members", async () => {
    await exchange("hub", "today", "alpha/hub");
    await expectWorks("new hub");
    await changeRules("joined");
  });

  test("today's program takes over the state folder, and starts an old root above new hubs, with old members", async () => {
    await mesh.adaos(["down"]);
    program.renew();
    program.exchange("root", "before");
    program.exchange("member", "before");
    await mesh.up();
    await allReady();
    await expectWorks("old root");
    await changeRules("stored");
  });

  test("back to the release before on the same state folder", async () => {
    await mesh.adaos(["down"]);
    program.goBack();
    await mesh.up();
    await allReady();
    await expectWorks("back");
  });
});
