import type { NatsConnection } from "nats";
import { askSystem } from "./ask-system.ts";

/** Traffic to a server. */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

interface Statz {
  readonly data?: {
    readonly account_statz?: readonly {
      readonly acc?: string;
      readonly received?: { readonly msgs?: number; readonly bytes?: number };
    }[];
  };
}

/**
 * Bytes and messages that the connections of each account have sent to the server since it started, refused messages
 * included. Touches no stream, so that the server answers however busy its streams are. Rejects with `unavailable`.
 */
export async function askAccountTraffic(
  system: NatsConnection,
  accounts: readonly string[],
): Promise<Map<string, Traffic>> {
  const { data } = await askSystem<Statz>(system, "$SYS.REQ.ACCOUNT.PING.STATZ", {
    accounts,
    include_unused: true,
  });
  return new Map(
    (data?.account_statz ?? []).flatMap(({ acc, received }): [string, Traffic][] => {
      return acc === undefined ? [] : [[acc, { messages: received?.msgs ?? 0, bytes: received?.bytes ?? 0 }]];
    }),
  );
}
