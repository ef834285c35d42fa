import type { AnyRoute } from "../http/route.ts";
import { CONTRACT_ROUTES } from "./contracts/contract-routes.ts";
import { MESH_ROUTES } from "./mesh/mesh-routes.ts";
import { POLICY_ROUTES } from "./policy/policy-routes.ts";
import { SESSION_ROUTES } from "./session.ts";

/** Every path of the API. */
export const ALL_ROUTES: readonly AnyRoute[] = [
  ...SESSION_ROUTES,
  ...MESH_ROUTES,
  ...CONTRACT_ROUTES,
  ...POLICY_ROUTES,
];
