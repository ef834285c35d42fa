import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { envelope, START_MS } from "../../../../../test/kit/scenario-scene.ts";
import { compileScenario, type Scenario } from "./compile.ts";
import { decide, type ScenarioInput } from "./decide.ts";
import { pendingEffects, startRun } from "./decide-run.ts";
import { decideTriggers } from "./decide-triggers.ts";
import { type Effect, newScenarioState, type Run, type TriggerState } from "./state.ts";

class Killed extends Error {}

/**
 * Drives a scenario with a document for the triggers and one for each run, as docs/decisions/scenarios.md says: runs
 * first, triggers next, effects last. It is killed before any of these, as `kills` says.
 */
class Driver {
  readonly published = new Map<string, unknown>();
  readonly #scenario: Scenario;
  readonly #kills: boolean[];
  #triggers: TriggerState = newScenarioState("alpha/kitchen").triggers;
  #runs = new Map<string, Run>();

  constructor(text: string, kills: readonly boolean[]) {
    this.#scenario = compileScenario("test", text);
    this.#kills = [...kills];
  }

  /** An event comes again until it is acknowledged. */
  receive(n: number): void {
    const event = envelope("a.b", { n }, n);
    this.#untilDone(() => this.#handle({ kind: "event", event }));
  }

  /** Does what is pending, until every run has ended. */
  finish(): void {
    while (this.pending.length > 0) this.#untilDone(() => this.#doPending());
  }

  get pending(): Effect[] {
    return [...this.#runs.values()].flatMap(pendingEffects);
  }

  get left(): number {
    return this.#triggers.active.length + this.#triggers.waiting.length + this.#runs.size;
  }

  #untilDone(task: () => void): void {
    for (;;) {
      try {
        task();
        return;
      } catch (thrown) {
        if (!(thrown instanceof Killed)) throw thrown;
        this.#untilDone(() => this.#recover());
      }
    }
  }

  #mayBeKilled(): void {
    if (this.#kills.shift() === true) throw new Killed();
  }

  #handle(input: ScenarioInput): void {
    const before = { triggers: this.#triggers, runs: Object.fromEntries(this.#runs) };
    const { state, ended } = decide(this.#scenario, before, input, START_MS);
    for (const run of [...Object.values(state.runs), ...ended]) {
      if (before.runs[run.id] === run) continue;
      this.#mayBeKilled();
      this.#runs.set(run.id, JSON.parse(JSON.stringify(run)) as Run);
    }
    this.#mayBeKilled();
    this.#triggers = JSON.parse(JSON.stringify(state.triggers)) as TriggerState;
    this.#forgetEnded();
  }

  #forgetEnded(): void {
    const active = new Set(this.#triggers.active.map(({ runId }) => runId));
    for (const id of this.#runs.keys()) {
      if (active.has(id)) continue;
      this.#mayBeKilled();
      // One that is not active has never done anything, or has ended.
      this.#runs.delete(id);
    }
  }

  #recover(): void {
    this.#forgetEnded();
    for (const { runId } of this.#triggers.active) {
      if (this.#runs.get(runId)?.outcome === undefined) continue;
      const decision = decideTriggers(this.#scenario, this.#triggers, { kind: "ended", runId }, START_MS);
      for (const start of decision.starts) {
        this.#mayBeKilled();
        this.#runs.set(start.runId, startRun(this.#scenario, start, START_MS).run);
      }
      this.#mayBeKilled();
      this.#triggers = decision.state;
    }
    this.#forgetEnded();
  }

  #doPending(): void {
    for (const { id, runId, data } of this.pending) {
      this.#mayBeKilled();
      // The stream knows the id of what is published again.
      expect(this.published.get(id) ?? data).toEqual(data);
      this.published.set(id, data);
      this.#mayBeKilled();
      this.#handle({ kind: "result", runId, effectId: id, ok: true });
    }
  }
}

const WORLD = fc.record({
  events: fc.integer({ min: 1, max: 8 }),
  doFrom: fc.nat(8),
  kills: fc.array(fc.boolean(), { maxLength: 60 }),
});

describe("decideTriggers() and decideRun() with stored documents", () => {
  test.each(["queued", "parallel"])("%s: killed anywhere, each event has its effect once", (mode) => {
    fc.assert(
      fc.property(WORLD, ({ events, doFrom, kills }) => {
        const driver = new Driver(
          `mode: ${mode}\nmax: 100\ntriggers: [{ event: a.b }]\neffects: [{ publish: a.c, data: { n: "\${event.data.n}", s: 1 } }, { publish: a.c, data: { n: "\${event.data.n}", s: 2 } }]`,
          kills,
        );
        for (let n = 1; n <= events; n++) {
          driver.receive(n);
          if (n >= doFrom) driver.finish();
        }
        driver.finish();
        const expected = Array.from({ length: events }, (_, i) =>
          [1, 2].map((s) => ({ n: i + 1, s })),
        ).flat();
        expect(driver.published.size).toBe(expected.length);
        expect([...driver.published.values()]).toEqual(expect.arrayContaining(expected));
        if (mode === "queued") expect([...driver.published.values()]).toEqual(expected);
        expect(driver.left).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("restart: killed anywhere, the last event has its effect, and one run is left at most", () => {
    fc.assert(
      fc.property(WORLD, ({ events, kills }) => {
        const driver = new Driver(
          `mode: restart\ntriggers: [{ event: a.b }]\neffects: [{ publish: a.c, data: { n: "\${event.data.n}" } }]`,
          kills,
        );
        for (let n = 1; n <= events; n++) {
          driver.receive(n);
          expect(driver.pending.length).toBeLessThanOrEqual(1);
        }
        driver.finish();
        expect([...driver.published.values()]).toEqual([{ n: events }]);
        expect(driver.left).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
