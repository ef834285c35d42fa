// Generated from registry.yaml and its schemas by adaos events registry generate. Do not edit.
// Of sha256:3e56d1b9e5d70c4db249868f2ce4a82a9e99febcc8d0b85e8af18886b5d205ff
import "@adaos/core";

/**
 * Somebody is at home, or nobody.
 */
export interface HomePresenceChangedV1 {
  /**
   * Whether somebody is at home.
   */
  home: boolean;
}

/**
 * How warm it shall be at home.
 */
export interface HomeTargetChangedV1 {
  /**
   * Degrees Celsius.
   */
  celsius: number;
}

/**
 * A scenario has ended, well or badly.
 */
export interface ScenarioCompletedV1 {
  /**
   * Name of the scenario.
   */
  name: string;
  /**
   * How it ended.
   */
  status: "succeeded" | "failed" | "cancelled";
  /**
   * From its start to its end, in milliseconds.
   */
  duration_ms?: number;
  /**
   * Why it failed, for people.
   */
  error?: string;
}

/**
 * Asks a node to run one of its scenarios.
 */
export interface ScenarioRunV1 {
  /**
   * Name of the scenario.
   */
  name: string;
  /**
   * What the scenario is given; it says itself what it takes.
   */
  args?: {
    [k: string]: unknown;
  };
}

declare module "@adaos/core" {
  interface EventMap {
    "home.presence.changed@1": HomePresenceChangedV1;
    "home.target.changed@1": HomeTargetChangedV1;
    "scenario.completed@1": ScenarioCompletedV1;
    "scenario.run@1": ScenarioRunV1;
  }
}
