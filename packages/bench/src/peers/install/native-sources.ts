import { createRequire } from "node:module";
import { MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { connect, type JetStreamManager, JSONCodec, type NatsConnection } from "nats";
import type { Contender, ContenderEntry, Place } from "../../contender.ts";
import { consumeTexts } from "../../contenders/bare-consumer.ts";
import { natsServerVersion, startNatsServer } from "../nats-servers.ts";
import { freePorts, type ServerProcess, stopAll } from "../server-process.ts";

interface Settings {
  /** By domain. */
  readonly urls: Readonly<Record<string, string>>;
}

const DOMAINS = { from: "hub-a", between: "root", to: "hub-b" } as const;
const STREAMS = { [DOMAINS.from]: "SENT", [DOMAINS.between]: "PASSED", [DOMAINS.to]: "RECEIVED" } as const;
const READY_MS = 30_000;
const POLL_MS = 50;

const json = JSONCodec<{ readonly text: string }>();

const contender: Contender = {
  what: "JetStream alone: js.publish at one hub, streams that source each other over the leaf links, consumer with callback",
  openSender: async (place) => {
    const nc = await dial(place, DOMAINS.from);
    const js = nc.jetstream();
    return {
      send: (text) => js.publish(`bench.${place.run}`, json.encode({ text })),
      close: () => nc.close(),
    };
  },
  openReceiver: async (place, onText) => {
    const nc = await dial(place, DOMAINS.to);
    const durable = `${place.run}-${place.receiver}`;
    return consumeTexts(nc, { stream: STREAMS[DOMAINS.to], durable, subject: `bench.${place.run}` }, onText);
  },
  tidy: async (place) => {
    const to = await dial(place, DOMAINS.to);
    const durable = `${place.run}-${place.receiver}`;
    const jsm = await to.jetstreamManager();
    await jsm.consumers.delete(STREAMS[DOMAINS.to], durable).catch(() => undefined);
    await to.close();
    for (const domain of Object.values(DOMAINS)) {
      const nc = await dial(place, domain);
      await (await nc.jetstreamManager()).streams.purge(STREAMS[domain], { filter: `bench.${place.run}` });
      await nc.close();
    }
  },
};

function dial({ settings }: Place, domain: string): Promise<NatsConnection> {
  return connect({ servers: (settings as Settings).urls[domain] ?? "" });
}

async function start(
  durability: "synced" | "relaxed",
  dir: string,
): ReturnType<NonNullable<ContenderEntry["start"]>> {
  const [rootPort = 0, leafPort = 0, fromPort = 0, toPort = 0] = await freePorts(4);
  const ports = { [DOMAINS.from]: fromPort, [DOMAINS.between]: rootPort, [DOMAINS.to]: toPort };
  const remotes = [{ url: `nats-leaf://127.0.0.1:${leafPort}` }];
  const servers: ServerProcess[] = [];
  const stop = (): Promise<void> => stopAll(servers);
  try {
    for (const domain of [DOMAINS.between, DOMAINS.from, DOMAINS.to]) {
      const leafnodes = domain === DOMAINS.between ? { listen: `127.0.0.1:${leafPort}` } : { remotes };
      const plain = { name: domain, port: ports[domain], domain, leafnodes };
      servers.push(await startNatsServer(plain, durability, dir));
    }
    const urls = Object.fromEntries(
      Object.entries(ports).map(([domain, port]) => [domain, `nats://127.0.0.1:${port}`]),
    );
    await chainStreams(urls);
    return {
      settings: { urls } satisfies Settings,
      versions: { "nats-server": await natsServerVersion(), nats: clientVersion() },
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** From hub to root to hub, with a first message through all of it: an unconnected source reports nothing. */
async function chainStreams(urls: Readonly<Record<string, string>>): Promise<void> {
  const connections: NatsConnection[] = [];
  const manage = async (domain: string): Promise<JetStreamManager> => {
    const nc = await connect({ servers: urls[domain] ?? "" });
    connections.push(nc);
    return nc.jetstreamManager();
  };
  try {
    await (await manage(DOMAINS.from)).streams.add({ name: STREAMS[DOMAINS.from], subjects: ["bench.>"] });
    for (const [domain, source] of [
      [DOMAINS.between, DOMAINS.from],
      [DOMAINS.to, DOMAINS.between],
    ] as const) {
      const external = { api: `$JS.${source}.API`, deliver: "" };
      const jsm = await manage(domain);
      await jsm.streams.add({ name: STREAMS[domain], sources: [{ name: STREAMS[source], external }] });
    }
    await connections[0]?.jetstream().publish("bench.first", json.encode({ text: "first" }));
    const last = await manage(DOMAINS.to);
    await until(async () => (await last.streams.info(STREAMS[DOMAINS.to])).state.messages > 0);
  } finally {
    await Promise.all(connections.map((nc) => nc.close()));
  }
}

function clientVersion(): string {
  return (createRequire(import.meta.url)("nats/package.json") as { version: string }).version;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + READY_MS;
  while (!(await isSo())) {
    if (Date.now() >= deadlineMs) throw new MeshError("unavailable", "stream sources do not deliver");
    await delay(POLL_MS);
  }
}

export const nativeSources: ContenderEntry = {
  scenarios: ["S5a", "S5b", "S11b"],
  load: async () => contender,
  start,
};
