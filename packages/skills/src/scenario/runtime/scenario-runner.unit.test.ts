import type { Clock } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import { FaultyDocuments } from "../../../../../test/kit/faulty-documents.ts";
import { randomFrom } from "../../../../../test/kit/random.ts";
import { envelope, START_MS } from "../../../../../test/kit/scenario-scene.ts";
import { RecordingLog } from "../../../../../test/kit/stand-ins.ts";
import { compileScenario } from "../engine/compile.ts";
import type { Effect, Run } from "../engine/state.ts";
import { askRetry } from "./asked.ts";
import type { EffectResult, ScenarioWorld } from "./outside.ts";
import { ScenarioRunner } from "./scenario-runner.ts";
import { loadScenario, stateKey, withAsked } from "./stored-scenario.ts";

const OWNER = "alpha/kitchen";
/** No two decisions are made at the same time: what is decided again differs. */
let nowMs = START_MS;
const CLOCK: Clock = { now: () => nowMs++, at: () => () => undefined };
const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

/** Everybody else: takes each effect once by its id, as a stream does. */
class World implements ScenarioWorld {
  readonly effects = new Map<string, { readonly runId: string; readonly data: unknown }>();
  readonly completions = new Map<string, Run>();
  /** Effects that were decided twice, in two ways. */
  readonly changed: string[] = [];
  readonly #chance: () => number;

  constructor(chance: () => number) {
    this.#chance = chance;
  }

  async perform({ id, runId, data }: Effect, signal: AbortSignal): Promise<EffectResult> {
    for (let i = Math.floor(this.#chance() * 4); i > 0; i--) await turn();
    signal.throwIfAborted();
    const before = this.effects.get(id);
    if (before === undefined) this.effects.set(id, { runId, data });
    else if (JSON.stringify(before.data) !== JSON.stringify(data)) this.changed.push(id);
    if (this.#chance() < 0.1) await turn();
    signal.throwIfAborted();
    return { ok: true };
  }

  async completed(run: Run, signal: AbortSignal): Promise<void> {
    await turn();
    signal.throwIfAborted();
    this.completions.set(run.id, run);
  }
}

const TWO_STEPS = `triggers: [{ event: a.b }]
effects: [{ publish: a.c, data: { n: "\${event.data.n}", s: 1, t: "\${now}" } }, { publish: a.c, data: { n: "\${event.data.n}", s: 2 } }]`;

interface Driven {
  readonly documents: FaultyDocuments;
  readonly world: World;
}

/** Gives events to one or two processes that are killed at any time, until all consequences are there. */
async function drive(text: string, seed: number, events: number, processes: number): Promise<Driven> {
  const chance = randomFrom(seed);
  const documents = new FaultyDocuments(chance, 0.03);
  const world = new World(chance);
  const log = new RecordingLog();
  const scenario = compileScenario("test", text);
  const begin = (): ScenarioRunner => {
    const runner = new ScenarioRunner(scenario, { owner: OWNER, documents, world, clock: CLOCK, log });
    runner.start();
    return runner;
  };
  const runners = Array.from({ length: processes }, begin);
  let given = 0;
  const give = async (n: number): Promise<void> => {
    const event = envelope("a.b", { n }, n);
    for (;;) {
      const of = Math.floor(chance() * processes);
      try {
        await runners[of]?.take({ kind: "event", event });
        given++;
        return;
      } catch {
        await turn();
      }
    }
  };
  const all = Promise.all(Array.from({ length: events }, (_, i) => give(i + 1)));
  const isOver = async (): Promise<boolean> => {
    if (given < events) return false;
    const { state, unrecorded } = await loadScenario(documents.inner, "test", OWNER);
    const { active, waiting } = state.triggers;
    return active.length + waiting.length + unrecorded.size === 0;
  };
  for (let i = 0; !(await isOver()); i++) {
    expect(
      i,
      log.lines
        .map((line) => JSON.stringify(line))
        .slice(-5)
        .join("\n"),
    ).toBeLessThan(20_000);
    await turn();
    if (chance() > 0.02) continue;
    const of = Math.floor(chance() * processes);
    await runners[of]?.stop();
    runners[of] = begin();
  }
  await all;
  await Promise.all(runners.map((runner) => runner.stop()));
  expect(world.changed).toEqual([]);
  return { documents, world };
}

/** A loaded machine takes its time. */
const PATIENT = { timeout: 20_000 };
const seeds = Array.from({ length: 25 }, (_, i) => i + 1);
const numbersOf = ({ world }: Driven): string[] =>
  [...world.effects.values()].map(({ data }) => {
    const { n, s } = data as { n: number; s: number };
    return `${n}.${s}`;
  });
const expected = (events: number): string[] =>
  Array.from({ length: events }, (_, i) => [`${i + 1}.1`, `${i + 1}.2`]).flat();

describe("ScenarioRunner", () => {
  test.each(seeds)("parallel, seed %i: killed anywhere, each event has each effect once", async (seed) => {
    const driven = await drive(`mode: parallel\nmax: 100\n${TWO_STEPS}`, seed, 12, 1);
    expect(numbersOf(driven).sort()).toEqual(expected(12).sort());
    expect(driven.world.completions.size).toBe(12);
    const { documents } = driven;
    const records = documents.inner.records("test", "ok").map((text) => JSON.parse(text) as Run);
    expect(new Set(records.map(({ id }) => id)).size).toBe(12);
    for (const { outcome, log } of records) expect([outcome, log.length]).toEqual(["succeeded", 2]);
  });

  test.each(seeds)("queued, seed %i: one run after the other, each once", async (seed) => {
    const driven = await drive(`mode: queued\nmax: 100\n${TWO_STEPS}`, seed, 12, 1);
    expect(numbersOf(driven).sort()).toEqual(expected(12).sort());
    const runs = [...driven.world.effects.values()].map(({ runId }) => runId);
    expect(runs.filter((id, i) => id !== runs[i - 1]).length).toBe(12);
  });

  test.each(seeds)(
    "two processes, seed %i: they disturb each other, and nothing comes twice",
    async (seed) => {
      const driven = await drive(`mode: parallel\nmax: 100\n${TWO_STEPS}`, seed, 12, 2);
      expect(numbersOf(driven).sort()).toEqual(expected(12).sort());
      expect(driven.world.completions.size).toBe(12);
    },
  );

  test("a changed text is stored at once, and a retry from a step of the text before does not run", async () => {
    const documents = new FaultyDocuments(() => 0.5, 0);
    const world = new World(() => 0.5);
    const log = new RecordingLog();
    const before = compileScenario("test", TWO_STEPS);
    const runner = new ScenarioRunner(before, { owner: OWNER, documents, world, clock: CLOCK, log });
    runner.start();
    const hash = async (): Promise<unknown> =>
      JSON.parse((await documents.inner.read(stateKey("test")))?.text ?? "{}").hash;
    await expect.poll(hash, PATIENT).toBe(before.hash);
    await runner.take({ kind: "event", event: envelope("a.b", { n: 1 }, 1) });
    await expect.poll(() => world.completions.size, PATIENT).toBe(1);
    const [run] = [...world.completions.values()];
    const now = compileScenario("test", TWO_STEPS.replace("a.c", "a.d"));
    runner.replace(now);
    await expect.poll(hash, PATIENT).toBe(now.hash);
    const { text = "", seq = 0 } = (await documents.inner.read(stateKey("test"))) ?? {};
    const asked = withAsked(text, askRetry(run as Run, OWNER, 1));
    await documents.inner.write([{ key: stateKey("test"), text: asked, seq }]);
    runner.changed();
    const told = (): string => documents.inner.records("test", "skipped").join();
    await expect.poll(told, PATIENT).toContain("retry from effects[1]: the scenario");
    await runner.stop();
    expect(world.completions.size).toBe(1);
  });

  test("a document that is damaged or newer is not written over, and told", async () => {
    const documents = new FaultyDocuments(() => 0.5, 0);
    await documents.inner.write([{ key: stateKey("test"), text: '{"v":2}', seq: 0 }]);
    const runner = new ScenarioRunner(compileScenario("test", TWO_STEPS), {
      owner: OWNER,
      documents,
      world: new World(() => 0.5),
      clock: CLOCK,
      log: new RecordingLog(),
    });
    runner.start();
    await expect.poll(() => runner.trouble).toContain("another version");
    await runner.stop();
    expect((await documents.inner.read(stateKey("test")))?.text).toBe('{"v":2}');
  });

  test("two hundred events in hand come again after a kill, when their runs are over: none runs again", async () => {
    const documents = new FaultyDocuments(() => 0.5, 0);
    const world = new World(() => 0.5);
    const scenario = compileScenario("test", `key: string(event.data.n)\n${TWO_STEPS}`);
    const options = { owner: OWNER, documents, world, clock: CLOCK, log: new RecordingLog() };
    const inputs = Array.from({ length: 200 }, (_, i) => ({
      kind: "event" as const,
      event: envelope("a.b", { n: i + 1 }, i + 1),
    }));
    for (let process = 0; process < 2; process++) {
      const runner = new ScenarioRunner(scenario, options);
      runner.start();
      await Promise.all(inputs.map((input) => runner.take(input)));
      await expect.poll(() => runner.state?.triggers.active.length, PATIENT).toBe(0);
      expect(runner.counts.outcomes.get("succeeded")).toBe(process === 0 ? 200 : undefined);
      await expect.poll(() => world.completions.size, PATIENT).toBe(200);
      await runner.stop();
    }
  });

  test("an event that is stored without an answer is not given back", async () => {
    const documents = new FaultyDocuments(() => 0.5, 0);
    const world = new World(() => 0.5);
    const scenario = compileScenario("test", TWO_STEPS);
    const runner = new ScenarioRunner(scenario, {
      owner: OWNER,
      documents,
      world,
      clock: CLOCK,
      log: new RecordingLog(),
    });
    runner.start();
    await runner.take({ kind: "clock" });
    const write = documents.write.bind(documents);
    documents.write = async (writes) => {
      documents.write = write;
      await write(writes);
      throw new Error("no answer");
    };
    await runner.take({ kind: "event", event: envelope("a.b", { n: 1 }, 1) });
    await expect.poll(() => world.completions.size, PATIENT).toBe(1);
    expect(world.effects.size).toBe(2);
    await runner.stop();
  });

  test("a store that is read, and takes nothing, is told until it takes something", async () => {
    const documents = new FaultyDocuments(() => 0.5, 0);
    const world = new World(() => 0.5);
    const scenario = compileScenario("test", TWO_STEPS);
    const options = { owner: OWNER, documents, world, clock: CLOCK, log: new RecordingLog() };
    const runner = new ScenarioRunner(scenario, options);
    runner.start();
    await runner.take({ kind: "clock" });
    const write = documents.write.bind(documents);
    documents.write = async () => {
      throw new Error("the stream is full");
    };
    const input = { kind: "event" as const, event: envelope("a.b", { n: 1 }, 1) };
    await expect(runner.take(input)).rejects.toThrow("the stream is full");
    await expect.poll(() => runner.state, PATIENT).toBeDefined();
    expect(runner.trouble).toBe("the stream is full");
    documents.write = write;
    await runner.take(input);
    expect(runner.trouble).toBe(undefined);
    await runner.stop();
  });

  test("a line that takes no large batch gets smaller ones", async () => {
    const documents = new FaultyDocuments(() => 0.5, 0);
    const world = new World(() => 0.5);
    const write = documents.write.bind(documents);
    let refused = 0;
    documents.write = async (writes) => {
      const bytes = writes.reduce((sum, { text = "" }) => sum + text.length, 0);
      if (writes.length === 1 || bytes < 30_000) return write(writes);
      refused++;
      throw new Error("the server has given up the batch");
    };
    const scenario = compileScenario("test", `mode: parallel\nmax: 100\n${TWO_STEPS}`);
    const options = { owner: OWNER, documents, world, clock: CLOCK, log: new RecordingLog() };
    const runner = new ScenarioRunner(scenario, options);
    runner.start();
    const give = async (n: number): Promise<void> => {
      const event = envelope("a.b", { n, text: "x".repeat(1000) }, n);
      while ((await runner.take({ kind: "event", event }).catch(() => undefined)) === undefined) await turn();
    };
    await Promise.all(Array.from({ length: 60 }, (_, i) => give(i + 1)));
    await expect.poll(() => world.completions.size, PATIENT).toBe(60);
    expect([refused > 0, world.effects.size, world.changed]).toEqual([true, 120, []]);
    await runner.stop();
  });
});
