import type { AnyRoute } from "../http/route.ts";
import { BEHAVIOUR_ROUTES } from "./behaviour/behaviour-routes.ts";
import { CONTRACT_ROUTES } from "./contracts/contract-routes.ts";
import { EVENT_ROUTES } from "./event/event-routes.ts";
import { HEALTH_ROUTES } from "./health/health-routes.ts";
import { JOB_ROUTES } from "./jobs.ts";
import { LETTER_ROUTES } from "./letters/letters.ts";
import { LIVE_ROUTES } from "./live/live.ts";
import { MESH_ROUTES } from "./mesh/mesh-routes.ts";
import { POLICY_ROUTES } from "./policy/policy-routes.ts";
import { SESSION_ROUTES } from "./session.ts";

/** Every path of the API. */
export const ALL_ROUTES: readonly AnyRoute[] = [
  ...SESSION_ROUTES,
  ...LIVE_ROUTES,
  ...LETTER_ROUTES,
  ...JOB_ROUTES,
  ...BEHAVIOUR_ROUTES,
  ...MESH_ROUTES,
  ...EVENT_ROUTES,
  ...HEALTH_ROUTES,
  ...CONTRACT_ROUTES,
  ...POLICY_ROUTES,
];
