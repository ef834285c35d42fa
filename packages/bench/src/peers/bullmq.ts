import type { Contender, ContenderEntry, Place } from "../contender.ts";
import { Batcher } from "./batcher.ts";
import { areNpmPeersInstalled, installNpmPeers, loadPeer } from "./npm-peers.ts";
import { installRedis, isRedisInstalled, type RedisSettings, startRedis } from "./redis-server.ts";

/** What is used of `bullmq`. */
interface BullMq {
  readonly Queue: new (
    name: string,
    options: object,
  ) => {
    addBulk(jobs: readonly { name: string; data: { text: string }; opts: object }[]): Promise<unknown>;
    waitUntilReady(): Promise<unknown>;
    obliterate(options: { force: boolean }): Promise<void>;
    close(): Promise<void>;
  };
  readonly Worker: new (
    name: string,
    handle: (job: { data: { text: string } }) => Promise<void>,
    options: object,
  ) => {
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
    on(event: "error", on: () => void): void;
  };
}

/** Kept jobs cost memory and time: the guide says to remove them where nobody looks at them. */
const JOB = { removeOnComplete: true, removeOnFail: true } as const;
/** The guide's way to throughput where handlers wait for nothing but Redis. */
const CONCURRENCY = 256;

const contender: Contender = {
  what: `BullMQ, addBulk of what is sent in one moment, worker with concurrency ${CONCURRENCY}, AOF synced as the run asks`,
  openSender: async (place) => {
    const { Queue } = loadPeer<BullMq>("bullmq");
    const queue = new Queue(place.run, { connection: connectionOf(place) });
    await queue.waitUntilReady();
    const batcher = new Batcher<string>((texts) =>
      queue.addBulk(texts.map((text) => ({ name: "text", data: { text }, opts: JOB }))),
    );
    return { send: (text) => batcher.add(text), close: () => queue.close() };
  },
  openReceiver: async (place, onText) => {
    const { Worker } = loadPeer<BullMq>("bullmq");
    const options = { connection: connectionOf(place), concurrency: CONCURRENCY, ...JOB_LIMITS };
    const worker = new Worker(place.run, async ({ data }) => onText(data.text), options);
    worker.on("error", () => undefined);
    await worker.waitUntilReady();
    return () => worker.close();
  },
  tidy: async (place) => {
    const { Queue } = loadPeer<BullMq>("bullmq");
    const queue = new Queue(place.run, { connection: connectionOf(place) });
    await queue.obliterate({ force: true });
    await queue.close();
  },
};

const JOB_LIMITS = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } } as const;

function connectionOf({ settings }: Place): object {
  const { port } = settings as RedisSettings;
  return { host: "127.0.0.1", port, maxRetriesPerRequest: null };
}

export const bullMq: ContenderEntry = {
  scenarios: ["S1", "S2a", "S2b", "S2c"],
  load: async () => contender,
  start: (durability, dir) => startRedis(durability, dir, ["bullmq", "ioredis"]),
  isInstalled: async () => (await areNpmPeersInstalled()) && (await isRedisInstalled()),
  install: async (say) => {
    await installNpmPeers(say);
    await installRedis(say);
  },
};
