import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ScenarioScene } from "../../../../../test/kit/scenario-scene.ts";
import type { Overflow, ScenarioMode } from "../file/definition.ts";
import { OVERFLOWS, SCENARIO_MODES } from "../file/definition.ts";

type Op =
  | { readonly kind: "event"; readonly key: string }
  | { readonly kind: "done"; readonly pick: number; readonly ok: boolean }
  | { readonly kind: "again"; readonly pick: number }
  | { readonly kind: "pass"; readonly ms: number };

const OP: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("event" as const), key: fc.constantFrom("a", "b") }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("done" as const), pick: fc.nat(20), ok: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("again" as const), pick: fc.nat(50) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 5000 }) }),
  },
);

/** What the modes mean, for one key, without anything else. */
class Model {
  running: number[] = [];
  waiting: number[] = [];
  readonly started: number[] = [];
  readonly #mode: ScenarioMode;
  readonly #max: number;
  readonly #overflow: Overflow;

  constructor(mode: ScenarioMode, max: number, overflow: Overflow) {
    this.#mode = mode;
    this.#max = max;
    this.#overflow = overflow;
  }

  trigger(n: number): void {
    const slots = this.#mode === "parallel" ? this.#max : 1;
    const room = this.#mode === "queued" ? this.#max - 1 : 0;
    if (this.running.length < slots && this.waiting.length === 0) return this.#start(n);
    if (this.#mode === "single") return;
    if (this.#mode === "restart") {
      this.running = [];
      return this.#start(n);
    }
    if (this.waiting.length < room) this.waiting.push(n);
    else if (this.#overflow === "coalesce") this.waiting = [...this.waiting.slice(0, -1), n];
    else if (this.#overflow === "drop-oldest" && this.waiting.length > 0)
      this.waiting = [...this.waiting.slice(1), n];
    else if (this.#overflow === "drop-oldest") {
      this.running.shift();
      this.#start(n);
    }
  }

  end(n: number): void {
    this.running = this.running.filter((one) => one !== n);
    const next = this.waiting.shift();
    if (next !== undefined) this.#start(next);
  }

  #start(n: number): void {
    this.running.push(n);
    this.started.push(n);
  }
}

function numberOf(event: { readonly data: unknown } | undefined): number {
  return (event?.data as { n: number } | undefined)?.n ?? -1;
}

describe("decide() against a model", () => {
  test("modes, overflow and keys, whatever is interleaved and repeated", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SCENARIO_MODES),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(...OVERFLOWS),
        fc.array(OP, { maxLength: 60 }),
        (mode, max, overflow, ops) => {
          const scene = new ScenarioScene(
            `mode: ${mode}\nmax: ${max}\noverflow: ${overflow}\nkey: event.data.key\ntriggers: [{ event: a.b }]\neffects: [{ publish: a.c, data: { n: "\${event.data.n}" } }]`,
          );
          const models = new Map(["a", "b"].map((key) => [key, new Model(mode, max, overflow)]));
          const inputs: Parameters<typeof scene.input>[0][] = [];
          let n = 0;
          for (const op of ops) {
            if (op.kind === "event") {
              const event = scene.event("a.b", { n: ++n, key: op.key });
              inputs.push({ kind: "event", event });
              models.get(op.key)?.trigger(n);
            } else if (op.kind === "done") {
              const pending = scene.pending;
              const effect = pending[op.pick % Math.max(1, pending.length)];
              if (effect === undefined) continue;
              const run = scene.state.runs[effect.runId];
              const input = { kind: "result", runId: effect.runId, effectId: effect.id, ok: op.ok } as const;
              inputs.push(input);
              scene.input(input);
              models.get(run?.key ?? "")?.end(numberOf(run?.trigger.event));
            } else if (op.kind === "again") {
              const input = inputs[op.pick % Math.max(1, inputs.length)];
              if (input !== undefined && wasTaken(scene, input)) {
                const before = JSON.stringify(scene.state);
                expect(scene.input(input).effects).toEqual([]);
                expect(JSON.stringify(scene.state)).toBe(before);
              }
            } else scene.pass(op.ms);
            for (const [key, model] of models) {
              const runs = Object.values(scene.state.runs).filter((run) => run.key === key);
              expect(runs.map(({ trigger }) => numberOf(trigger.event)).sort()).toEqual(
                model.running.toSorted(),
              );
              const { active, waiting } = scene.state.triggers;
              expect(active.filter((one) => one.key === key)).toHaveLength(model.running.length);
              const kept = waiting.filter((one) => one.key === key);
              expect(kept.map(({ trigger }) => numberOf(trigger.event))).toEqual(model.waiting);
              if (mode !== "parallel") expect(runs.length).toBeLessThanOrEqual(1);
            }
          }
          const started = [...models.values()].flatMap((model) => model.started).sort((a, b) => a - b);
          const published = scene.effects.map(({ data }) => (data as { n: number }).n);
          expect(published.toSorted((a, b) => a - b)).toEqual(started);
          expect(new Set(scene.effects.map(({ id }) => id)).size).toBe(scene.effects.length);
        },
      ),
      { numRuns: 400 },
    );
  });
});

/** An event without a consequence may have one later: it is no repetition of one that had. */
function wasTaken(scene: ScenarioScene, input: Parameters<ScenarioScene["input"]>[0]): boolean {
  return input.kind !== "event" || scene.state.triggers.seen.includes(input.event.event_id);
}
