import { connect } from "nats";
import type { Contender, ContenderEntry, Place } from "../contender.ts";
import { areNpmPeersInstalled, installNpmPeers, loadPeer, versionsOfPeers } from "./install/npm-peers.ts";
import { natsServerVersion, startNatsServer } from "./nats-servers.ts";
import { freePorts } from "./server-process.ts";

/** The used part of `moleculer`. */
interface ServiceBroker {
  createService(schema: object): unknown;
  start(): Promise<void>;
  stop(): Promise<void>;
  sendToChannel(channel: string, payload: { text: string }): Promise<void>;
}
interface Moleculer {
  readonly ServiceBroker: new (options: object) => ServiceBroker;
}
interface Channels {
  readonly Middleware: (options: object) => object;
}
interface Settings {
  readonly url: string;
}

/** The default is 1: one event a round trip. */
const MAX_IN_FLIGHT = 1000;

const contender: Contender = {
  what: `moleculer with @moleculer/channels on NATS JetStream, ${MAX_IN_FLIGHT} in flight, synced as the run asks`,
  openSender: async (place) => {
    const broker = openBroker(place, "sender");
    await broker.start();
    await makeStream(place);
    return { send: (text) => broker.sendToChannel(place.run, { text }), close: () => broker.stop() };
  },
  openReceiver: async (place, onText) => {
    const broker = openBroker(place, place.receiver);
    broker.createService({
      name: place.receiver,
      channels: {
        [place.run]: {
          group: place.receiver,
          maxInFlight: MAX_IN_FLIGHT,
          // By default a group does not get events stored before its first start.
          nats: { consumerOptions: { config: { deliver_policy: "all" } } },
          handler: ({ text }: { text: string }) => onText(text),
        },
      },
    });
    await broker.start();
    return () => broker.stop();
  },
  tidy: async (place) => {
    const nc = await connect({ servers: urlOf(place) });
    const jsm = await nc.jetstreamManager();
    await jsm.streams.delete(place.run).catch(() => undefined);
    await nc.close();
  },
};

const urlOf = ({ settings }: Place): string => (settings as Settings).url;

function openBroker(place: Place, nodeID: string): ServiceBroker {
  const { ServiceBroker } = loadPeer<Moleculer>("moleculer");
  const { Middleware } = loadPeer<Channels>("@moleculer/channels");
  const adapter = {
    type: "NATS",
    options: { nats: { url: urlOf(place) }, maxInFlight: MAX_IN_FLIGHT },
  };
  return new ServiceBroker({ nodeID, logger: false, middlewares: [Middleware({ adapter })] });
}

/** Created as a receiver's adapter does, so that events sent before it exists are stored too. */
async function makeStream(place: Place): Promise<void> {
  const nc = await connect({ servers: urlOf(place) });
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({ name: place.run, subjects: [place.run] });
  await nc.close();
}

export const moleculer: ContenderEntry = {
  scenarios: ["S1", "S2a", "S2b", "S2c", "S11a"],
  load: async () => contender,
  start: async (durability, dir) => {
    const [port = 0] = await freePorts(1);
    const server = await startNatsServer({ name: "moleculer", port }, durability, dir);
    return {
      settings: { url: `nats://127.0.0.1:${port}` } satisfies Settings,
      versions: {
        "nats-server": await natsServerVersion(),
        ...versionsOfPeers(["moleculer", "@moleculer/channels", "nats"]),
      },
      stop: () => server.stop(),
    };
  },
  isInstalled: areNpmPeersInstalled,
  install: installNpmPeers,
};
