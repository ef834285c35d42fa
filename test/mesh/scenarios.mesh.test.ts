import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bus, Envelope } from "@adaos/client";
import { decodeEnvelope } from "@adaos/core";
import { activeRuns, endedRuns, scenarioStates } from "@adaos/operations";
import { storedMessages } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { randomFrom } from "../kit/random.ts";

const SEED = Number(process.env["ADAOS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** Of the member's daemon, the hub's and the server, while runs are under way. */
const KILLS = Number(process.env["ADAOS_TEST_KILLS"] ?? 6);
/** Longer than a daemon needs to come back. */
const WINDOW_MS = 60_000;

const yaml = (scenarios: string): string => `
mesh: scenarios
registry: ../schemas/events
streams: { duplicateWindowMs: ${WINDOW_MS} }
subnets:
  alpha:
    members:
      kitchen: { publish: [ui., scenario.], subscribe: [nlp., scenario., ui.], scenarios: [${scenarios}] }
      desk: { publish: [nlp., scenario.], subscribe: ["*"] }
`;

const SCENARIOS = {
  relay: `mode: parallel
max: 100
triggers: [{ event: nlp.intent.detected@1, when: event.data.intent == "relay" }]
effects:
  - { publish: ui.notify@1, data: { text: "first \${event.data.locale} \${now}" } }
  - delay: 1s
  - { publish: ui.notify@1, data: { text: "second \${event.data.locale}" } }
`,
  line: `mode: queued
max: 100
triggers: [{ event: nlp.intent.detected@1, when: event.data.intent == "relay" }]
effects:
  - { publish: ui.notify@1, data: { text: "line \${event.data.locale}", title: "1" } }
  - { publish: ui.notify@1, data: { text: "line \${event.data.locale}", title: "2" } }
`,
  answer: `triggers: [{ event: nlp.intent.detected@1, when: event.data.intent == "ask" }]
mode: parallel
max: 100
effects:
  - { wait: nlp.intent.detected@1, when: 'received.data.intent == "reply"', as: reply, timeout: 1h }
  - { publish: ui.notify@1, data: { text: "answered \${steps.reply.data.locale}" } }
`,
  forever: `triggers: []
effects:
  - delay: 1d
`,
  asked: `triggers: []
effects:
  - { publish: ui.notify@1, data: { text: "asked \${event.data.who}" } }
`,
};

describe("scenarios", () => {
  let mesh: TestMesh;
  let desk: Bus;
  const came: Envelope[] = [];
  const texts = (): string[] =>
    came
      .filter(({ event_name }) => event_name === "ui.notify")
      .map(({ data }) => {
        const { text, title = "" } = data as { text: string; title?: string };
        return `${text} ${title}`.trim();
      });
  const completed = (name: string): Envelope[] =>
    came.filter(
      ({ event_name, data }) =>
        event_name === "scenario.completed" && (data as { name: string }).name === name,
    );

  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: yaml("scenarios") });
    for (const [name, text] of Object.entries(SCENARIOS)) write(name, text);
    desk = await mesh.connect("alpha/desk");
    await desk.subscribe("*", { durable: "watch" }, (event) => {
      came.push(event);
    });
    await until("they are run", async () => (await states()).length === Object.keys(SCENARIOS).length);
    await until("they get their events", async () => (await durables()).length === 4);
  });
  afterAll(() => mesh.stop());

  function write(name: string, text: string): void {
    const file = join(mesh.dir, "scenarios", name, "scenario.yaml");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  const intent = (what: string, locale: string) =>
    desk.publish("nlp.intent.detected@1", { intent: what, slots: {}, locale });

  async function asHub<T>(use: (hub: Parameters<typeof endedRuns>[0]) => Promise<T>): Promise<T> {
    const connection = await mesh.openService("alpha");
    try {
      const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
      return await use({ of: "alpha", connection, jsm });
    } finally {
      await connection.close();
    }
  }

  async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
    const found: T[] = [];
    for await (const one of list) found.push(one);
    return found;
  }

  const states = () => asHub((hub) => all(scenarioStates(hub, {})));
  const durables = () =>
    asHub(async ({ jsm }) => {
      const names = await all(jsm.consumers.list("EVENTS_alpha"));
      return names.filter(({ name }) => name.startsWith("kitchen_scenario"));
    });
  const isIdle = async (): Promise<boolean> =>
    (await states()).every(({ triggers, unrecorded, name }) => {
      const { active, waiting } = triggers;
      return name.scenario === "forever" || active.length + waiting.length + unrecorded.length === 0;
    });

  test("an event starts a run, a command another; each is recorded and told", async () => {
    await intent("relay", "en-1");
    await desk.publish("scenario.run@1", { name: "asked", args: { who: "desk" } });
    await until("all came", () => texts().length === 5);
    expect(texts().map((text) => text.replace(/ 20\d\d-.*/, ""))).toEqual(
      expect.arrayContaining(["first en-1", "second en-1", "line en-1 1", "line en-1 2", "asked desk"]),
    );
    await until("they are told", () =>
      ["relay", "line", "asked"].every((name) => completed(name).length === 1),
    );
    const [{ data, causation_id, correlation_id, source } = { data: {} }] = completed("relay") as Envelope[];
    const cause = came.find(({ event_name }) => event_name === "nlp.intent.detected");
    expect([data, causation_id, correlation_id, source]).toEqual([
      { name: "relay", status: "succeeded", duration_ms: expect.any(Number) },
      cause?.event_id,
      cause?.correlation_id,
      "scenario@kitchen",
    ]);
    const [record] = await asHub((hub) => all(endedRuns(hub, { scenario: "relay" })));
    expect(record?.value).toMatchObject({
      outcome: "succeeded",
      trigger: { event: { event_id: cause?.event_id } },
      text: SCENARIOS.relay,
      log: [
        { verb: "publish", outcome: "done" },
        { verb: "delay", outcome: "done" },
        { verb: "publish", outcome: "done" },
      ],
    });
    await until("nothing is left", isIdle);
  });

  test("a wait survives the end of the daemon, and takes the event that came meanwhile", async () => {
    await intent("ask", "en");
    await until("it waits", async () => {
      const runs = await asHub((hub) => all(activeRuns(hub, { scenario: "answer" })));
      return runs.length === 1;
    });
    const before = mesh.pid("alpha/kitchen");
    process.kill(before, "SIGKILL");
    await intent("reply", "late");
    await until("the daemon is back", () => mesh.isReplaced("alpha/kitchen", before));
    await until("it goes on", () => texts().includes("answered late"));
  });

  test("an event that came while the daemon was away and its file became another is not lost", async () => {
    const text = (event: string): string =>
      SCENARIOS.asked
        .replace(
          "triggers: []",
          `triggers: [{ event: ${event}, when: event.event_name == "nlp.intent.detected" && event.data.intent == "widen" }]`,
        )
        .replace(/asked \$\{.*?\}/, "asked widened");
    write("asked", text("nlp.intent.detected@1"));
    await until("it gets its events", async () => {
      await intent("widen", "en");
      return texts().includes("asked widened");
    });
    const before = mesh.pid("alpha/kitchen");
    const count = (): number => texts().filter((told) => told === "asked widened").length;
    process.kill(before, "SIGKILL");
    write("asked", text("nlp."));
    const told = count();
    await intent("widen", "away");
    await until("the daemon is back", () => mesh.isReplaced("alpha/kitchen", before));
    await until("it is told", () => count() > told);
    write("asked", SCENARIOS.asked);
  });

  test("a changed file is taken while it runs, and a wrong one changes nothing", async () => {
    const notes = async () => {
      const health = await mesh.health();
      return JSON.stringify(health);
    };
    write("asked", SCENARIOS.asked.replace("asked ", "asked again "));
    const say = async (who: string) => desk.publish("scenario.run@1", { name: "asked", args: { who } });
    await until("it is taken", async () => {
      await say("a");
      return texts().includes("asked again a");
    });
    write("asked", "triggers: []\neffects: [{ publish: no.such, data: {} }]\nnonsense: 1\n");
    await until("it is told", async () => (await notes()).includes("nonsense"));
    await say("b");
    await until("the old one runs", () => texts().includes("asked again b"));
    write("asked", SCENARIOS.asked);
    await until("it is well again", async () => !(await notes()).includes("nonsense"));
  });

  test(
    `${KILLS} kills of member, hub and server: each event has each effect once (seed ${SEED})`,
    async () => {
      const random = randomFrom(SEED);
      const sent: string[] = [];
      const publishing = { isOver: false };
      const publish = (async () => {
        while (!publishing.isOver) {
          // More than a hundred at a time are skipped.
          await until("there is room", () => sent.length < completed("relay").length + 80, 120_000);
          const locale = `k-${sent.length}`;
          sent.push(locale);
          await intent("relay", locale);
          await new Promise((go) => setTimeout(go, 150));
        }
      })();
      for (let kill = 0; kill < KILLS; kill++) {
        const chance = random();
        const what = chance < 0.6 ? "alpha/kitchen" : chance < 0.8 ? "alpha/hub" : "nats-alpha";
        const before = mesh.pid(what);
        await new Promise((go) => setTimeout(go, random() * 2500));
        process.kill(before, "SIGKILL");
        await until(`${what} is back`, () => mesh.isReplaced(what, before));
      }
      publishing.isOver = true;
      await publish;
      const expected = sent.flatMap((locale) => [
        `first ${locale}`,
        `second ${locale}`,
        `line ${locale} 1`,
        `line ${locale} 2`,
      ]);
      const mine = async () => (await storedTexts()).filter((text) => / k-\d+/.test(text));
      const missing = async () => {
        const found = new Set(await mine());
        return expected.filter((text) => !found.has(text));
      };
      await until("all came", async () => (await missing()).length === 0, 120_000);
      await until("nothing is left", isIdle, 60_000);
      expect((await mine()).sort()).toEqual(expected.sort());
      for (const scenario of ["relay", "line"]) {
        await until("all are told", () => completed(scenario).length >= sent.length);
        const ids = new Set(completed(scenario).map(({ causation_id }) => causation_id));
        expect([scenario, completed(scenario).length]).toEqual([scenario, ids.size]);
      }
    },
    120_000 + KILLS * 30_000,
  );

  /** The texts that the subnet's stream holds, without the time in them. */
  async function storedTexts(): Promise<string[]> {
    return asHub(async ({ connection }) => {
      const found: string[] = [];
      for await (const { body } of storedMessages(
        connection,
        "EVENTS_alpha",
        "evt.alpha.kitchen.ui.notify.v1",
      )) {
        const { text, title = "" } = decodeEnvelope(body).data as { text: string; title?: string };
        found.push(`${text.replace(/ 20\d\d-.*/, "")} ${title}`.trim());
      }
      return found;
    });
  }
});
