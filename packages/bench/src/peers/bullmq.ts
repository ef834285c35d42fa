import type { Contender, ContenderEntry, Place } from "../contender.ts";
import { Batcher } from "./batcher.ts";
import { areNpmPeersInstalled, installNpmPeers, loadPeer } from "./install/npm-peers.ts";
import { installRedis, isRedisInstalled, type RedisSettings, startRedis } from "./redis-server.ts";

type Carries = { readonly text: string };
type Job = readonly [name: string, data: Carries, options: object];

/** The used part of `bullmq`. */
interface Queue {
  add(...job: Job): Promise<unknown>;
  addBulk(jobs: readonly { name: Job[0]; data: Job[1]; opts: Job[2] }[]): Promise<unknown>;
  waitUntilReady(): Promise<unknown>;
  obliterate(options: { force: boolean }): Promise<void>;
  close(): Promise<void>;
}
interface Worker {
  waitUntilReady(): Promise<unknown>;
  on(event: "error", onError: () => void): void;
  close(): Promise<void>;
}
interface BullMq {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (
    name: string,
    handle: (job: { readonly data: Carries }) => Promise<void>,
    options: object,
  ) => Worker;
}

/** Kept jobs cost memory and time: the guide recommends removing jobs that nobody inspects. */
const JOB = { removeOnComplete: true, removeOnFail: true } as const;
/** The guide gives 100 to 300 for handlers that wait; 100 is the cheapest for a handler that does not. */
const CONCURRENCY = 100;

const contender: Contender = {
  what: `BullMQ, add, or addBulk for what is sent in one moment, concurrency ${CONCURRENCY}, AOF synced as the run asks`,
  openSender: async (place) => {
    const queue = openQueue(place);
    await queue.waitUntilReady();
    const batcher = new Batcher<string>((texts) => {
      const [text = ""] = texts;
      if (texts.length === 1) return queue.add("text", { text }, JOB);
      return queue.addBulk(texts.map((each) => ({ name: "text", data: { text: each }, opts: JOB })));
    });
    return { send: (text) => batcher.add(text), close: () => queue.close() };
  },
  openReceiver: async (place, onText) => {
    const { Worker } = loadPeer<BullMq>("bullmq");
    const options = { connection: connectionOf(place), concurrency: CONCURRENCY };
    const worker = new Worker(place.run, async ({ data }) => onText(data.text), options);
    worker.on("error", () => undefined);
    await worker.waitUntilReady();
    return () => worker.close();
  },
  tidy: async (place) => {
    const queue = openQueue(place);
    await queue.obliterate({ force: true });
    await queue.close();
  },
};

function openQueue(place: Place): Queue {
  const { Queue } = loadPeer<BullMq>("bullmq");
  return new Queue(place.run, { connection: connectionOf(place) });
}

function connectionOf({ settings }: Place): object {
  const { port } = settings as RedisSettings;
  return { host: "127.0.0.1", port, maxRetriesPerRequest: null };
}

export const bullMq: ContenderEntry = {
  scenarios: ["S1", "S2a", "S2b", "S2c", "S11a"],
  load: async () => contender,
  start: (durability, dir) => startRedis(durability, dir, ["bullmq", "ioredis"]),
  isInstalled: async () => (await areNpmPeersInstalled()) && (await isRedisInstalled()),
  install: async (say) => {
    await installNpmPeers(say);
    await installRedis(say);
  },
};
