import { MeshError } from "@adaos/core";
import { originTokenProblem, quote, type TimerInfo } from "@adaos/core/wire";
import { askHub, type TimerReply, type TimerRequest } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";

/** The name of a timer in a mesh: `alpha/kitchen/morning`. */
export interface TimerName {
  readonly subnet: string;
  readonly node: string;
  readonly timer: string;
}

/** A backfill of a thousand events takes a while. */
const ANSWER_MS = 60_000;

/** Parses `alpha/kitchen/morning`. Throws `usage`. */
export function parseTimerName(text: string): TimerName {
  const [subnet = "", node = "", timer = "", ...rest] = text.split("/");
  if (rest.length > 0 || [subnet, node, timer].some((part) => originTokenProblem(part) !== undefined))
    throw new MeshError("usage", `${quote(text)} names no timer; write subnet/node/timer`);
  return { subnet, node, timer };
}

/** Asks a hub in the name of a member, as only an operator may. Rejects with the hub's refusal or `unavailable`. */
export function askTimers(
  { connection }: OpenServer,
  node: string,
  request: TimerRequest,
): Promise<TimerReply> {
  return askHub<TimerReply>(connection, node, "timer", request, ANSWER_MS);
}

/** Every timer of these members, by member and name. */
export async function* timersOf(hub: OpenServer, members: readonly string[]): AsyncGenerator<TimerInfo> {
  for (const node of members) {
    for (let after: string | undefined; ; ) {
      const request = { op: "list", ...(after === undefined ? {} : { after }) } as const;
      const { timers = [], more } = await askTimers(hub, node, request).catch((thrown: unknown) => {
        // A mesh file may name a member that no apply has put in force yet.
        if (thrown instanceof MeshError && thrown.code === "denied") return {} as TimerReply;
        throw thrown;
      });
      yield* timers;
      after = timers.at(-1)?.name;
      if (more !== true || after === undefined) break;
    }
  }
}
