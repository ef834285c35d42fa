import type { AnyRoute } from "../http/route.ts";
import { MESH_ROUTES } from "./mesh/mesh-routes.ts";
import { SESSION_ROUTES } from "./session.ts";

/** Every path of the API. */
export const ALL_ROUTES: readonly AnyRoute[] = [...SESSION_ROUTES, ...MESH_ROUTES];
