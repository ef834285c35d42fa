import type { AnyRoute } from "../../http/route.ts";
import { RUN_ROUTES } from "./runs.ts";
import { SCENARIO_CHANGE_ROUTES } from "./scenario-changes.ts";
import { SCENARIO_ROUTES } from "./scenarios.ts";
import { SKILL_ROUTES } from "./skills.ts";
import { TIMER_ROUTES } from "./timers.ts";

/** What the page Behaviour asks and changes. */
export const BEHAVIOUR_ROUTES: readonly AnyRoute[] = [
  ...TIMER_ROUTES,
  ...SKILL_ROUTES,
  ...SCENARIO_ROUTES,
  ...SCENARIO_CHANGE_ROUTES,
  ...RUN_ROUTES,
];
