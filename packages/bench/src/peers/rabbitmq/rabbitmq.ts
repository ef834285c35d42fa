import { MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import type { Contender, ContenderEntry, Place } from "../../contender.ts";
import { areNpmPeersInstalled, installNpmPeers, loadPeer } from "../install/npm-peers.ts";
import { type BrokerSettings, EXCHANGE, startBrokers } from "./rabbitmq-brokers.ts";
import { installRabbit, isRabbitInstalled } from "./rabbitmq-server.ts";

/** The used part of `amqplib`. */
interface AmqpLib {
  connect(url: string, options?: object): Promise<Connection>;
}
interface Connection {
  createChannel(): Promise<Channel>;
  createConfirmChannel(): Promise<Channel>;
  close(): Promise<void>;
}
interface Channel {
  assertExchange(name: string, type: "topic", options: { durable: true }): Promise<unknown>;
  assertQueue(name: string, options: object): Promise<unknown>;
  bindQueue(queue: string, exchange: string, key: string): Promise<unknown>;
  deleteQueue(name: string): Promise<unknown>;
  prefetch(count: number): Promise<unknown>;
  consume(queue: string, onMessage: (message: Message | null) => void): Promise<{ consumerTag: string }>;
  cancel(consumerTag: string): Promise<unknown>;
  publish(
    exchange: string,
    key: string,
    content: Buffer,
    options: { persistent: true },
    onConfirm: (error: unknown) => void,
  ): boolean;
  ack(message: Message, allUpTo: boolean): void;
  close(): Promise<void>;
}
interface Message {
  readonly content: Buffer;
}

/** Unsettled messages at the receiver, as the guide recommends for a busy one. */
const PREFETCH = 1000;
const READY_MS = 30_000;
const POLL_MS = 50;

type QueueType = "classic" | "quorum";

/**
 * Storage in RabbitMQ: a classic queue writes messages that are not handled at once, a quorum queue syncs every
 * message first.
 */
const WHAT: Readonly<Record<QueueType, string>> = {
  classic: "durable classic queues: confirmed once synced or handled, whichever comes first",
  quorum: "quorum queues: synced before they are confirmed or delivered",
};

function contenderWith(type: QueueType): Contender {
  return {
    what: `RabbitMQ, persistent messages, publisher confirms, exchange federated from broker to broker, ${WHAT[type]}`,
    openSender: async (place) => {
      const connection = await dial(place, "from");
      const channel = await connection.createConfirmChannel();
      await channel.assertExchange(EXCHANGE, "topic", { durable: true });
      if (!isAcross(place)) await bindQueue(channel, place, type);
      return {
        send: (text) => publish(channel, place.run, text),
        close: () => connection.close(),
      };
    },
    openReceiver: async (place, onText) => {
      const connection = await dial(place, isAcross(place) ? "to" : "from");
      const channel = await connection.createChannel();
      await channel.assertExchange(EXCHANGE, "topic", { durable: true });
      await bindQueue(channel, place, type);
      if (isAcross(place)) await waitForLink(place);
      await channel.prefetch(PREFETCH);
      let last: Message | undefined;
      const ack = (): void => {
        if (last !== undefined) channel.ack(last, true);
        last = undefined;
      };
      const { consumerTag } = await channel.consume(place.run, (message) => {
        if (message === null) return;
        onText((JSON.parse(message.content.toString()) as { text: string }).text);
        // One acknowledgement for all messages that came together.
        if (last === undefined) setImmediate(ack);
        last = message;
      });
      return async () => {
        await channel.cancel(consumerTag);
        ack();
        await channel.close();
        await connection.close();
      };
    },
    tidy: async (place) => {
      const connection = await dial(place, isAcross(place) ? "to" : "from");
      const channel = await connection.createChannel();
      await channel.deleteQueue(place.run);
      await connection.close();
    },
  };
}

const isAcross = ({ from, to }: Place): boolean => from !== to;
const probeKeyOf = ({ run }: Place): string => `probe.${run}`;

async function dial({ settings }: Place, end: "from" | "to"): Promise<Connection> {
  return loadPeer<AmqpLib>("amqplib").connect((settings as BrokerSettings).urls[end], { noDelay: true });
}

async function bindQueue(channel: Channel, { run }: Place, type: QueueType): Promise<void> {
  await channel.assertQueue(run, { durable: true, arguments: { "x-queue-type": type } });
  await channel.bindQueue(run, EXCHANGE, run);
}

function publish(channel: Channel, key: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const content = Buffer.from(JSON.stringify({ text }));
    channel.publish(EXCHANGE, key, content, { persistent: true }, (error) => {
      if (error === null || error === undefined) resolve();
      else
        reject(error instanceof Error ? error : new MeshError("unavailable", "the broker refused a message"));
    });
  });
}

/** A new binding reaches the other broker with a delay; until then messages published there are dropped. */
async function waitForLink(place: Place): Promise<void> {
  const from = await dial(place, "from");
  const to = await dial(place, "to");
  try {
    const sending = await from.createConfirmChannel();
    const receiving = await to.createChannel();
    await sending.assertExchange(EXCHANGE, "topic", { durable: true });
    const probe = probeKeyOf(place);
    await receiving.assertQueue(probe, { durable: true });
    // The later of the two bindings: once it has arrived, so has the run's own.
    await receiving.bindQueue(probe, EXCHANGE, probe);
    let hasCome = false;
    await receiving.consume(probe, () => {
      hasCome = true;
    });
    const deadlineMs = Date.now() + READY_MS;
    while (!hasCome) {
      if (Date.now() >= deadlineMs)
        throw new MeshError("unavailable", "the federation link does not deliver");
      await publish(sending, probe, "probe");
      await delay(POLL_MS);
    }
    await receiving.deleteQueue(probe);
  } finally {
    await from.close();
    await to.close();
  }
}

const isInstalled = async (): Promise<boolean> =>
  (await areNpmPeersInstalled()) && (await isRabbitInstalled());

async function install(say: (line: string) => void): Promise<void> {
  await installNpmPeers(say);
  await installRabbit(say);
}

function entryWith(type: QueueType): ContenderEntry {
  return {
    scenarios: ["S1", "S2a", "S2b", "S2c", "S5a", "S5b", "S11a", "S11b"],
    load: async () => contenderWith(type),
    start: (_, dir) => startBrokers(dir),
    isInstalled,
    install,
  };
}

export const rabbitMq: ContenderEntry = entryWith("classic");
export const rabbitMqQuorum: ContenderEntry = entryWith("quorum");
