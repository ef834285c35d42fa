import { messageOf } from "@adaos/core/wire";
import type { BrokenScenario, ScenarioStanding } from "@adaos/skills";
import { askStatus } from "../status/ask-status.ts";

/** The scenarios of a member, as its daemon tells. */
export interface NodeScenarios {
  readonly node: string;
  readonly scenarios: readonly ScenarioStanding[];
  /** Scenarios whose files have errors, and are not taken. */
  readonly broken: readonly BrokenScenario[];
  /** What is wrong beside the scenarios themselves: a folder that is missing. */
  readonly problems: readonly string[];
  /** Why the state is unknown; absent when the daemon answers. */
  readonly away?: string;
}

/** Asks the daemon of a member on this machine. One that does not answer causes no rejection. */
export async function askScenarios(node: string, stateDir: string): Promise<NodeScenarios> {
  const none = { node, scenarios: [], broken: [], problems: [] };
  try {
    const asked = await askStatus(node, stateDir);
    if (asked === undefined) return { ...none, away: "is not running" };
    const told = (asked.status.parts["scenarios"]?.details ?? {}) as Partial<NodeScenarios>;
    const { scenarios = [], broken = [], problems = [] } = told;
    return { node, scenarios, broken, problems };
  } catch (thrown) {
    return { ...none, away: `does not answer: ${messageOf(thrown)}` };
  }
}
