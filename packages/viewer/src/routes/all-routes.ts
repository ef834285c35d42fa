import type { AnyRoute } from "../http/route.ts";
import { EVENT_ROUTES } from "./event/event-routes.ts";
import { HEALTH_ROUTES } from "./health/health-routes.ts";
import { SESSION_ROUTES } from "./session.ts";

/** Every path of the API. */
export const ALL_ROUTES: readonly AnyRoute[] = [...SESSION_ROUTES, ...EVENT_ROUTES, ...HEALTH_ROUTES];
