import type { Envelope } from "@adaos/core";
import { eventIdAt } from "@adaos/core/wire";
import {
  compileScenario,
  type Decision,
  decide,
  type Effect,
  newScenarioState,
  pendingEffects,
  type Run,
  type Scenario,
  type ScenarioInput,
  type ScenarioState,
  type Skip,
} from "@adaos/skills";

export const START_MS = Date.UTC(2026, 0, 5, 7);

/** An event of that name; its id and time follow from `n`. */
export function envelope(name: string, data: unknown, n = 0, atMs = START_MS): Envelope {
  const [event_name = "", version = "1"] = name.split("@");
  const id = eventIdAt(atMs, n.toString(16).padStart(12, "0"));
  return {
    event_id: id,
    event_name,
    version: Number(version),
    kind: "event",
    ts: new Date(atMs).toISOString(),
    source: "test@kitchen",
    correlation_id: id,
    tenant: "default",
    headers: {},
    data,
  };
}

/** A scenario with its state, which goes through JSON after each input, as if it were stored. */
export class ScenarioScene {
  readonly scenario: Scenario;
  state: ScenarioState = newScenarioState("alpha/kitchen");
  nowMs = START_MS;
  wakeAtMs: number | undefined;
  readonly effects: Effect[] = [];
  readonly ended: Run[] = [];
  readonly skips: Skip[] = [];
  #n = 0;

  constructor(text: string) {
    this.scenario = compileScenario("test", text);
    this.input({ kind: "clock" });
  }

  input(input: ScenarioInput): Decision {
    const decision = decide(this.scenario, this.state, input, this.nowMs);
    this.state = JSON.parse(JSON.stringify(decision.state)) as ScenarioState;
    this.wakeAtMs = decision.wakeAtMs;
    this.effects.push(...decision.effects);
    this.ended.push(...decision.ended);
    this.skips.push(...decision.skips);
    return decision;
  }

  event(name: string, data: unknown = {}): Envelope {
    const event = envelope(name, data, ++this.#n, this.nowMs);
    this.input({ kind: "event", event });
    return event;
  }

  /** Lets time pass, and wakes when the engine wants it. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.wakeAtMs !== undefined && this.wakeAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.input({ kind: "clock" });
    }
    this.nowMs = untilMs;
  }

  /** Tells that all effects are done that wait for it, and those that follow. */
  done(result: { readonly data?: unknown; readonly error?: string } = {}): void {
    for (let pending = this.pending; pending.length > 0; pending = this.pending)
      for (const { runId, id: effectId } of pending)
        this.input({ kind: "result", runId, effectId, ok: result.error === undefined, ...result });
  }

  get pending(): Effect[] {
    return Object.values(this.state.runs).flatMap(pendingEffects);
  }

  /** Data of all effects so far. */
  get published(): unknown[] {
    return this.effects.map(({ data }) => data);
  }

  get causes(): string[] {
    return this.skips.map(({ cause }) => cause);
  }

  get outcomes(): (string | undefined)[] {
    return this.ended.map(({ outcome }) => outcome);
  }
}
