import { MeshError, parseEventRef } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import { publishAs } from "@adaos/operations";
import { loadRegistry } from "@adaos/registry";
import { z } from "zod";
import type { EventSchema, PublishAnswer } from "../../api/live.ts";
import { type AnyRoute, route } from "../../http/route.ts";
import { quietLog, recorded } from "../changes.ts";
import { schemaFields } from "./schema-fields.ts";

const MAX_NAME_CHARS = 256;
/** The part of an event's `source` before `@`. */
const COMPONENT = "viewer";
const nameText = z.string().min(1).max(MAX_NAME_CHARS);

export const LIVE_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/contracts/:event/schema",
    role: "viewer",
    input: z.strictObject({ event: nameText }),
    async answer({ event }, context): Promise<EventSchema> {
      const registry = await loadRegistry(context.layout().registryDir);
      const { name, version } = parseEventRef(event);
      const contract = registry.resolve(name, version);
      const { kind, summary, status } = registry.recordOf(name, contract.version);
      const schema = registry.shownSchemaOf(name, contract.version);
      const spots = registry.classifiedSpots(name, contract.version);
      return {
        ...{ name, version: contract.version, kind, summary, status, schema },
        schemaVersion: typeof schema["x-version"] === "string" ? schema["x-version"] : "",
        fields: schemaFields(
          schema,
          spots.map(({ pointer }) => pointer),
        ),
      };
    },
  }),
  route({
    method: "POST",
    path: "/api/events",
    role: "operator",
    input: z.strictObject({
      event: nameText,
      as: nameText,
      data: z.json(),
      correlationId: z.string().min(1).max(MAX_NAME_CHARS).optional(),
    }),
    async answer({ event, as, data, correlationId }, context, caller): Promise<PublishAnswer> {
      const { nodes } = context.layout();
      if (!nodes.some(({ id, role }) => role === "member" && id === as))
        throw new MeshError("usage", `this machine has no member ${quote(as)}`);
      const { stateDir } = context;
      const [subnet = ""] = as.split("/");
      const act = {
        action: "events.publish",
        what: `${event} as ${as}`,
        subnets: [subnet],
      };
      const request = { event, as, data, correlationId, state: stateDir, component: COMPONENT };
      const published = await recorded(context, caller, act, async (tally) => {
        const stored = await publishAs(request, quietLog(context));
        tally(1);
        return stored;
      });
      const { eventId, subject, stream, seq, duplicate } = published;
      return { event_id: eventId, subject, stream, seq, duplicate };
    },
  }),
];
