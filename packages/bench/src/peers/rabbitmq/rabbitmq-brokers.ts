import type { Backing } from "../../contender.ts";
import { versionsOfPeers } from "../install/npm-peers.ts";
import { freePorts, type ServerProcess, stopAll } from "../server-process.ts";
import { rabbitVersion, startBroker, startEpmd } from "./rabbitmq-server.ts";

/** Settings for the workers. */
export interface BrokerSettings {
  readonly urls: { readonly from: string; readonly to: string };
}

/** Federated: messages published to it at one broker go to queues bound to it at the other. */
export const EXCHANGE = "bench";
/** Messages in flight on the link; the default. */
const LINK_PREFETCH = 1000;
const USER = "guest";

/**
 * Two brokers; the second takes the messages published to the exchange at the first. Rejects with `unavailable`.
 */
export async function startBrokers(dir: string): Promise<Backing> {
  const [epmdPort = 0, fromPort = 0, toPort = 0, fromDistribution = 0, toDistribution = 0] =
    await freePorts(5);
  const urls = { from: `amqp://127.0.0.1:${fromPort}`, to: `amqp://127.0.0.1:${toPort}` };
  const servers: ServerProcess[] = [];
  const stop = (): Promise<void> => stopAll(servers);
  try {
    servers.push(await startEpmd(epmdPort, dir));
    const from = { name: "from", port: fromPort, distributionPort: fromDistribution, epmdPort };
    const to = { name: "to", port: toPort, distributionPort: toDistribution, epmdPort };
    servers.push(await startBroker({ ...from, definitions: USERS }, dir));
    servers.push(await startBroker({ ...to, definitions: { ...USERS, ...upstream(urls.from) } }, dir));
    return {
      settings: { urls } satisfies BrokerSettings,
      versions: { "rabbitmq-server": await rabbitVersion(), ...versionsOfPeers(["amqplib"]) },
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** The users of a fresh broker, which it does not create when it loads definitions. */
const USERS = {
  vhosts: [{ name: "/" }],
  users: [{ name: USER, password: USER, tags: ["administrator"] }],
  permissions: [{ user: USER, vhost: "/", configure: ".*", write: ".*", read: ".*" }],
};

function upstream(uri: string): object {
  const value = { uri, "ack-mode": "on-confirm", "prefetch-count": LINK_PREFETCH };
  return {
    parameters: [{ vhost: "/", component: "federation-upstream", name: "from", value }],
    policies: [
      {
        vhost: "/",
        name: "federate",
        pattern: `^${EXCHANGE}$`,
        "apply-to": "exchanges",
        priority: 0,
        definition: { "federation-upstream": "from" },
      },
    ],
  };
}
