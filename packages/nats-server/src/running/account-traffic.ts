import { MeshError } from "@adaos/core";
import { type NatsConnection, RequestStrategy } from "nats";
import { askSystem } from "./ask-system.ts";

/** Traffic to a server. */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

interface Counted {
  readonly msgs?: number;
  readonly bytes?: number;
}

interface Statz {
  readonly server?: { readonly id?: string };
  readonly data?: {
    readonly account_statz?: readonly {
      readonly acc?: string;
      readonly received?: Counted & { readonly routes?: Counted };
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
  return trafficIn(data);
}

function trafficIn(data: Statz["data"]): Map<string, Traffic> {
  return new Map(
    (data?.account_statz ?? []).flatMap(({ acc, received }): [string, Traffic][] => {
      if (acc === undefined) return [];
      const { msgs = 0, bytes = 0, routes } = received ?? {};
      // What came from another server of a cluster is counted there already.
      return [[acc, { messages: msgs - (routes?.msgs ?? 0), bytes: bytes - (routes?.bytes ?? 0) }]];
    }),
  );
}

/** Longest wait for the servers of a cluster; the first answers come within milliseconds. */
const CLUSTER_MS = 1000;
/** Wait after each answer for the next one. */
const NEXT_MS = 200;
/** Servers that are remembered: each start of one has another id. */
const MAX_SERVERS = 32;

/**
 * The traffic of accounts to all servers of a cluster. The newest counters of a server that does not answer are kept: a
 * sum that falls and rises again would look like a flood.
 */
export class ClusterTraffic {
  readonly #servers = new Map<string, ReadonlyMap<string, Traffic>>();

  /** As {@link askAccountTraffic}. Rejects with `unavailable` when no server answers. */
  async ask(system: NatsConnection, accounts: readonly string[]): Promise<Map<string, Traffic>> {
    const body = JSON.stringify({ accounts, include_unused: true });
    let answered = 0;
    try {
      const answers = await system.requestMany("$SYS.REQ.ACCOUNT.PING.STATZ", body, {
        strategy: RequestStrategy.JitterTimer,
        maxWait: CLUSTER_MS,
        jitter: NEXT_MS,
      });
      for await (const answer of answers) {
        if (answer instanceof Error) throw answer;
        const { server, data } = answer.json<Statz>();
        const id = server?.id ?? "";
        this.#servers.delete(id);
        this.#servers.set(id, trafficIn(data));
        answered++;
      }
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", "no server of the hub tells of its traffic");
    }
    if (answered === 0) throw new MeshError("unavailable", "no server of the hub tells of its traffic");
    for (const [oldest] of this.#servers) if (this.#servers.size > MAX_SERVERS) this.#servers.delete(oldest);
    return this.#sum();
  }

  #sum(): Map<string, Traffic> {
    const all = new Map<string, Traffic>();
    for (const one of this.#servers.values()) {
      for (const [account, { messages, bytes }] of one) {
        const sum = all.get(account) ?? { messages: 0, bytes: 0 };
        all.set(account, { messages: sum.messages + messages, bytes: sum.bytes + bytes });
      }
    }
    return all;
  }
}
