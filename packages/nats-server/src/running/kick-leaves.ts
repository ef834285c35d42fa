import type { NatsConnection } from "nats";
import { askServer } from "./ask-system.ts";

interface Leafz {
  readonly data?: { readonly leafs?: readonly { readonly id: number; readonly account: string }[] };
}

/**
 * Ends the leaf connections of these accounts. A server that reloads its config leaves them alone, whatever the config
 * now says of them (nats-server 2.15.1). Resolves with how many; rejects with `unavailable`.
 */
export async function kickLeaves(
  system: NatsConnection,
  isOut: (account: string) => boolean,
): Promise<number> {
  const { data } = await askServer<Leafz>(system, "LEAFZ");
  const out = (data?.leafs ?? []).filter(({ account }) => isOut(account));
  for (const { id } of out) await askServer(system, "KICK", { cid: id });
  return out.length;
}
