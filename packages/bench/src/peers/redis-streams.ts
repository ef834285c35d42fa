import type { Contender, ContenderEntry, Place } from "../contender.ts";
import { areNpmPeersInstalled, installNpmPeers, loadPeer } from "./install/npm-peers.ts";
import { installRedis, isRedisInstalled, type RedisSettings, startRedis } from "./redis-server.ts";

/** The used part of `ioredis`. */
interface Redis {
  xadd(key: string, id: "*", field: string, value: string): Promise<string>;
  xgroup(...args: string[]): Promise<unknown>;
  xreadgroup(
    ...args: (string | number)[]
  ): Promise<readonly [key: string, entries: readonly Entry[]][] | null>;
  xack(key: string, group: string, ...ids: string[]): Promise<number>;
  del(key: string): Promise<number>;
  quit(): Promise<unknown>;
}
type Entry = readonly [id: string, fields: readonly string[]];
type RedisClass = new (options: object) => Redis;

const READ_COUNT = 1000;
const BLOCK_MS = 100;

const contender: Contender = {
  what: "Redis Streams over ioredis, auto-pipelined XADD, consumer group, AOF synced as the run asks",
  openSender: async (place) => {
    const redis = dial(place, { enableAutoPipelining: true });
    return {
      send: (text) => redis.xadd(keyOf(place), "*", "text", text),
      close: async () => void (await redis.quit()),
    };
  },
  openReceiver: async (place, onText) => {
    // A blocking read delays other commands on its connection.
    const reader = dial(place);
    const acker = dial(place);
    const key = keyOf(place);
    await makeGroup(reader, key, place.receiver);
    let isClosed = false;
    const read = async (): Promise<void> => {
      const options = ["COUNT", READ_COUNT, "BLOCK", BLOCK_MS, "STREAMS", key, ">"];
      while (!isClosed) {
        const streams = await reader.xreadgroup("GROUP", place.receiver, "one", ...options);
        const entries = streams?.[0]?.[1] ?? [];
        for (const [, [, text = ""]] of entries) onText(text);
        const ids = entries.map(([id]) => id);
        if (ids.length > 0) acked = Promise.all([acked, acker.xack(key, place.receiver, ...ids)]);
      }
    };
    let acked: Promise<unknown> = Promise.resolve();
    const done = read();
    return async () => {
      isClosed = true;
      await done;
      await acked;
      await Promise.all([reader.quit(), acker.quit()]);
    };
  },
  tidy: async (place) => {
    const redis = dial(place);
    await redis.del(keyOf(place));
    await redis.quit();
  },
};

const keyOf = ({ run }: Place): string => `bench:${run}`;

function dial(place: Place, options: object = {}): Redis {
  const RedisClient = loadPeer<{ Redis: RedisClass }>("ioredis").Redis;
  const { port } = place.settings as RedisSettings;
  return new RedisClient({ host: "127.0.0.1", port, ...options });
}

async function makeGroup(redis: Redis, key: string, group: string): Promise<void> {
  await redis.xgroup("CREATE", key, group, "0", "MKSTREAM").catch((thrown: Error) => {
    // It was opened before.
    if (!thrown.message.startsWith("BUSYGROUP")) throw thrown;
  });
}

export const redisStreams: ContenderEntry = {
  scenarios: ["S1", "S2a", "S2b", "S2c", "S11a"],
  load: async () => contender,
  start: (durability, dir) => startRedis(durability, dir, ["ioredis"]),
  isInstalled: async () => (await areNpmPeersInstalled()) && (await isRedisInstalled()),
  install: async (say) => {
    await installNpmPeers(say);
    await installRedis(say);
  },
};
