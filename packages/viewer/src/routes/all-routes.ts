import type { AnyRoute } from "../http/route.ts";
import { BEHAVIOUR_ROUTES } from "./behaviour/behaviour-routes.ts";
import { SESSION_ROUTES } from "./session.ts";

/** Every path of the API. */
export const ALL_ROUTES: readonly AnyRoute[] = [...SESSION_ROUTES, ...BEHAVIOUR_ROUTES];
