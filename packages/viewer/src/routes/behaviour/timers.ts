import type { TimerInfo } from "@adaos/core";
import {
  askTimers,
  type EventMask,
  eachTimer,
  hubServers,
  type TimerName,
  timerAct,
  timerMembers,
  timersOf,
  whenText,
  withEach,
} from "@adaos/operations";
import { z } from "zod";
import type { Changed, TimerDetail, TimerList, TimerRow } from "../../api/behaviour.ts";
import { type AnyRoute, route } from "../../http/route.ts";
import { recorded } from "../changes.ts";
import { token } from "./names.ts";

const MAX_TIMERS = 500;
const COMING_TIMES = 10;

const name = { subnet: token, node: token, timer: token };

export const TIMER_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/timers",
    role: "viewer",
    input: z.strictObject({}),
    async answer(_, context): Promise<TimerList> {
      const layout = context.layout();
      const mask = await context.mask();
      const timers: TimerRow[] = [];
      let isCut = false;
      const away = await withEach(hubServers(layout, undefined), async (hub) => {
        for await (const timer of timersOf(hub, timerMembers(layout, hub.of, undefined))) {
          isCut = timers.length >= MAX_TIMERS;
          if (isCut) return;
          timers.push(rowOf(timer, mask));
        }
      });
      return { timers, is_cut: isCut, away: away.map(({ of, reason }) => ({ of, reason })) };
    },
  }),
  route({
    method: "GET",
    path: "/api/timers/:subnet/:node/:timer",
    role: "viewer",
    input: z.strictObject(name),
    async answer(asked, context): Promise<TimerDetail | undefined> {
      const mask = await context.mask();
      let detail: TimerDetail | undefined;
      await eachTimer(context.layout(), [asked], async (hub, { node, timer: called }) => {
        const { timer } = await askTimers(hub, node, { op: "show", name: called });
        const { times = [] } = await askTimers(hub, node, { op: "next", name: called, count: COMING_TIMES });
        if (timer !== undefined) detail = { timer: rowOf(timer, mask), coming: times };
      });
      return detail;
    },
  }),
  route({
    method: "POST",
    path: "/api/timers/:subnet/:node/:timer/:act",
    role: "operator",
    input: z.strictObject({ ...name, act: z.enum(["pause", "resume", "trigger", "remove"]) }),
    async answer({ act, ...asked }, context, caller): Promise<Changed> {
      const { subnet, node, timer }: TimerName = asked;
      const what = timerAct(act, `${subnet}/${node}/${timer}`, [asked]);
      return recorded(context, caller, what, async (tally) => {
        let eventId: string | undefined;
        await eachTimer(context.layout(), [asked], async (hub) => {
          eventId = (await askTimers(hub, node, { op: act, name: timer })).event_id;
          tally(1);
        });
        return { count: 1, ...(eventId === undefined ? {} : { event_id: eventId }) };
      });
    },
  }),
];

function rowOf(timer: TimerInfo, mask: EventMask): TimerRow {
  return { ...mask.timer(timer), fires: whenText(timer) };
}
