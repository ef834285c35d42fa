import { z } from "zod";
import type { Session } from "../api/session.ts";
import { type AnyRoute, route } from "../http/route.ts";

export const SESSION_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/session",
    role: "viewer",
    input: z.strictObject({}),
    async answer(_, context, { name, role, expiresMs }): Promise<Session> {
      const { mesh, servers, nodes } = context.layout();
      return {
        name,
        role,
        ...(expiresMs === undefined ? {} : { expires: new Date(expiresMs).toISOString() }),
        mesh,
        places: servers.map(({ of }) => of),
        members: nodes.filter((node) => node.role === "member").map(({ id }) => id),
      };
    },
  }),
];
