import {
  type AlertStore,
  endSilence,
  newSilence,
  silencedName,
  silenceOf,
  withAlertStore,
} from "@adaos/alerts";
import { parseDuration } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ALERT_RULES } from "@adaos/core/wire";
import { Newest, withEach } from "@adaos/operations";
import { z } from "zod";
import type { Caller } from "../../access/tokens.ts";
import type { Away } from "../../api/event.ts";
import type { HealthAlerts } from "../../api/health.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { recorded } from "../changes.ts";

const DAY_MS = 86_400_000;
const HISTORY_MS = 7 * DAY_MS;
const HISTORY_ROWS = 500;

const name = z.string().min(1).max(300);
const forMs = z
  .string()
  .max(20)
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: "must be like 30m, 2h or 7d" });
    return z.NEVER;
  });

export const ALERT_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/health/alerts",
    role: "viewer",
    input: z.strictObject({}),
    answer: (_, context) => alerts(context),
  }),
  route({
    method: "POST",
    path: "/api/health/silences",
    role: "operator",
    input: z.strictObject({ name, for: forMs, reason: z.string().max(300).default("") }),
    async answer({ name: given, for: ms, reason }, context, caller) {
      const by = byOf(caller);
      const silence = newSilence(silencedName(given), { forMs: ms, reason, by }, Date.now());
      const what = `${silence.name} until ${silence.until}`;
      await recorded(context, caller, { action: "alerts.silence", what }, async (tally) => {
        const { stores } = await withStores(context, (store) => store.storeSilence(silence));
        if (stores === 0) throw new MeshError("unavailable", "no judge took the silence");
        tally(stores);
      });
      return silence;
    },
  }),
  route({
    method: "POST",
    path: "/api/health/silences/end",
    role: "operator",
    input: z.strictObject({ name }),
    async answer({ name: given }, context, caller) {
      const [silenced, by, nowMs] = [silencedName(given), byOf(caller), Date.now()];
      const act = { action: "alerts.unsilence", what: silenced };
      await recorded(context, caller, act, async (tally) => {
        let ended = 0;
        await withStores(context, async (store) => {
          if (await endSilence(store, silenced, by, nowMs)) tally(++ended);
        });
        if (ended === 0) throw new MeshError("usage", `${silenced} is not silenced`);
      });
      return { name: silenced, ended_at: new Date(nowMs).toISOString() };
    },
  }),
];

function byOf({ name: holder }: Caller): string {
  return `${holder} by viewer`;
}

/** Runs `use` with the store of each server that has one. */
async function withStores(
  { layout }: ViewerContext,
  use: (store: AlertStore) => Promise<void>,
): Promise<{ readonly stores: number; readonly away: readonly Away[] }> {
  let stores = 0;
  const away = await withEach(layout().servers, async (server) => {
    if (await withAlertStore(server, use)) stores++;
  });
  return { stores, away: away.map(({ of, reason }) => ({ of, reason })) };
}

async function alerts(context: ViewerContext): Promise<HealthAlerts> {
  const nowMs = Date.now();
  const raised: HealthAlerts["raised"][number][] = [];
  const silences = new Map<string, HealthAlerts["silences"][number]>();
  const undelivered: HealthAlerts["undelivered"][number][] = [];
  const newest = new Newest<HealthAlerts["history"][number]>(HISTORY_ROWS, ({ at }) => at);
  const { stores, away } = await withStores(context, async (store) => {
    const kept = await store.silences();
    for (const one of kept) if (Date.parse(one.until) > nowMs) silences.set(one.name, one);
    for (const record of await store.active())
      raised.push({ ...record, silence: silenceOf(kept, record.alert.alert, nowMs) ?? null });
    for await (const record of store.history({ time: new Date(nowMs - HISTORY_MS) })) newest.add(record);
    undelivered.push(...(await store.undelivered({ time: new Date(nowMs - DAY_MS) })));
  });
  const history = newest.items().reverse();
  return {
    isJudged: stores > 0,
    raised: raised.sort((a, b) => severity(a) - severity(b)),
    silences: [...silences.values()],
    history,
    isCut: newest.seen > history.length,
    undelivered,
    rules: Object.keys(ALERT_RULES),
    away,
  };
}

function severity({ alert }: HealthAlerts["raised"][number]): number {
  return alert.severity === "critical" ? 0 : 1;
}
