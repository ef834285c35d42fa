import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";

const ANSWER_MS = 3000;

interface Leafz {
  readonly data?: { readonly leafs?: readonly { readonly id: number; readonly account: string }[] };
}

/**
 * Ends the leaf connections of these accounts: a server that reads its config again leaves leaf connections alone,
 * whatever the config says of them now (nats-server 2.15.1). Resolves with how many; rejects with `unavailable`.
 */
export async function kickLeaves(
  system: NatsConnection,
  isOut: (account: string) => boolean,
): Promise<number> {
  try {
    const { id } = (
      await system.request("$SYS.REQ.SERVER.PING.IDZ", undefined, { timeout: ANSWER_MS })
    ).json<{
      id: string;
    }>();
    const answer = await system.request(`$SYS.REQ.SERVER.${id}.LEAFZ`, undefined, { timeout: ANSWER_MS });
    const out = (answer.json<Leafz>().data?.leafs ?? []).filter(({ account }) => isOut(account));
    for (const leaf of out) {
      const body = JSON.stringify({ cid: leaf.id });
      await system.request(`$SYS.REQ.SERVER.${id}.KICK`, body, { timeout: ANSWER_MS });
    }
    return out.length;
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", "leaf connections cannot be ended");
  }
}
