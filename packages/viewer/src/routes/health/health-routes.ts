import { type MetricsSnapshot, messageOf, probeSlos, summarize } from "@adaos/core/wire";
import { askProbeHealth } from "@adaos/doctor";
import { hubServers, knownLosses, storedMetrics, withEach } from "@adaos/operations";
import { askHealth, askIncidents, readResiliencePast } from "@adaos/supervise";
import { ReadingLimit } from "@adaos/transport-nats";
import { z } from "zod";
import type { HealthMesh, HealthMetrics, HealthProbes, HealthResilience } from "../../api/health.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { sinceInput } from "../event/times.ts";
import { ALERT_ROUTES } from "./alert-routes.ts";
import { eventHours } from "./event-hours.ts";

const DAY_MS = 86_400_000;
const MAX_LOSSES = 500;
/** Kept in memory: one for each process and hour. */
const MAX_SNAPSHOTS = 100_000;
const nothing = z.strictObject({});
const since = sinceInput.default(() => Date.now() - DAY_MS);

export const HEALTH_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/health/mesh",
    role: "viewer",
    input: nothing,
    answer: (_, { layout, stateDir }): Promise<HealthMesh> => askHealth(layout(), stateDir),
  }),
  route({
    method: "GET",
    path: "/api/health/probes",
    role: "viewer",
    input: nothing,
    answer: (_, { layout, stateDir }): Promise<HealthProbes> => askProbeHealth(layout(), stateDir),
  }),
  route({
    method: "GET",
    path: "/api/health/metrics",
    role: "viewer",
    input: z.strictObject({ since, at: z.string().max(100).optional() }),
    answer: ({ since: sinceMs, at }, context) => metrics(context, sinceMs, at),
  }),
  route({
    method: "GET",
    path: "/api/health/resilience",
    role: "viewer",
    input: z.strictObject({ since }),
    answer: ({ since: sinceMs }, context) => resilience(context, sinceMs),
  }),
  ...ALERT_ROUTES,
];

async function metrics(
  { layout }: ViewerContext,
  sinceMs: number,
  at: string | undefined,
): Promise<HealthMetrics> {
  const found: MetricsSnapshot[] = [];
  const away = await withEach(hubServers(layout(), at), async (hub) => {
    for await (const snapshot of storedMetrics(hub, sinceMs)) {
      if (found.length >= MAX_SNAPSHOTS) return ReadingLimit.current?.reach();
      found.push(snapshot);
    }
  });
  return {
    summary: summarize(found),
    hours: eventHours(found),
    slos: probeSlos(found),
    away: away.map(({ of, reason }) => ({ of, reason })),
  };
}

async function resilience({ layout, stateDir }: ViewerContext, sinceMs: number): Promise<HealthResilience> {
  const asked = await askIncidents(stateDir).then(
    (supervisor) => ({ supervisor: supervisor ?? null, problem: null }),
    (thrown: unknown) => ({ supervisor: null, problem: messageOf(thrown) }),
  );
  const losses = layout().servers.flatMap(({ of }) =>
    knownLosses(stateDir, of).map(({ stream, foundAt, lost }) => {
      const messages = lost.reduce((sum, { from, to }) => sum + to - from + 1, 0);
      return { of, stream, found_at: foundAt, messages };
    }),
  );
  return {
    ...asked,
    past: readResiliencePast(stateDir, sinceMs),
    losses: losses.filter(({ found_at }) => Date.parse(found_at) >= sinceMs).slice(-MAX_LOSSES),
  };
}
