import type { TimerCatchUp } from "@adaos/core/wire";

/** A scenario as its file has it, checked. Plain JSON; times in milliseconds, conditions in CEL. */
export interface ScenarioDefinition {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly mode: ScenarioMode;
  /** CEL: runs of different keys do not disturb each other. */
  readonly key?: string | undefined;
  /** Runs of a key: with `parallel` at the same time, with `queued` running and waiting. */
  readonly max: number;
  readonly overflow: Overflow;
  readonly debounce?: number | undefined;
  readonly cooldown?: number | undefined;
  /** It runs, and publishes nothing. */
  readonly shadow: boolean;
  readonly triggers: readonly TriggerDefinition[];
  readonly conditions: readonly string[];
  readonly effects: readonly EffectDefinition[];
  /** Effects after a run has failed. */
  readonly onError: readonly EffectDefinition[];
}

export type ScenarioMode = "single" | "restart" | "queued" | "parallel";
export type Overflow = "drop-new" | "drop-oldest" | "coalesce";
export const SCENARIO_MODES: readonly ScenarioMode[] = ["single", "restart", "queued", "parallel"];
export const OVERFLOWS: readonly Overflow[] = ["drop-new", "drop-oldest", "coalesce"];

export interface EventTrigger {
  readonly id?: string | undefined;
  /** `ui.notify@1`, `ui.notify` or, for many events, `ui.` */
  readonly event: string;
  readonly when?: string | undefined;
  /** How long `when` must hold, from one event to the next. */
  readonly for?: number | undefined;
  /** With `for`: another event that ends the state. */
  readonly endedBy?: { readonly event: string; readonly when?: string | undefined } | undefined;
}

export interface TimerTrigger {
  readonly id?: string | undefined;
  readonly cron?: string | undefined;
  readonly every?: number | undefined;
  readonly at?: string | undefined;
  readonly zone: string;
  readonly jitter?: number | undefined;
  readonly catchUp: TimerCatchUp;
  readonly within?: number | undefined;
  readonly until?: string | undefined;
  readonly times?: number | undefined;
}

export type TriggerDefinition = EventTrigger | TimerTrigger;

/** What follows when an effect fails: nothing, or other effects; without it the run fails. */
interface Recoverable {
  readonly onError?: "continue" | readonly EffectDefinition[] | undefined;
}

export interface PublishEffect extends Recoverable {
  readonly publish: string;
  readonly data?: unknown;
}

export interface RequestEffect extends Recoverable {
  readonly request: string;
  readonly data?: unknown;
  /** The reply is `steps.<as>.data` from then on. */
  readonly as?: string | undefined;
  readonly timeout: number;
}

export interface DelayEffect extends Recoverable {
  /** Milliseconds, or a text with `${}`. */
  readonly delay: number | string;
}

export interface WaitEffect extends Recoverable {
  readonly wait: string;
  /** CEL about `received`. */
  readonly when?: string | undefined;
  readonly as?: string | undefined;
  readonly timeout: number;
}

export interface ChooseEffect extends Recoverable {
  readonly choose: readonly { readonly when: string; readonly effects: readonly EffectDefinition[] }[];
  readonly otherwise?: readonly EffectDefinition[] | undefined;
}

export interface ParallelEffect extends Recoverable {
  readonly parallel: readonly (readonly EffectDefinition[])[];
}

export interface RepeatEffect extends Recoverable {
  readonly repeat: readonly EffectDefinition[];
  readonly times?: number | undefined;
  readonly while?: string | undefined;
  readonly until?: string | undefined;
  readonly limit: number;
}

export interface StopEffect extends Recoverable {
  /** Why; may have `${}`. */
  readonly stop: string;
  readonly failed: boolean;
}

export type EffectDefinition =
  | PublishEffect
  | RequestEffect
  | DelayEffect
  | WaitEffect
  | ChooseEffect
  | ParallelEffect
  | RepeatEffect
  | StopEffect;

export type EffectVerb = "publish" | "request" | "delay" | "wait" | "choose" | "parallel" | "repeat" | "stop";
