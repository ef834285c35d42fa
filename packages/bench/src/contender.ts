import { readSeed } from "@adaos/config";
import { connect as connectMember } from "@adaos/member";
import { AckPolicy, connect as dial, nkeyAuthenticator } from "nats";

/** What is measured, and how it is told apart. */
export const CONTENDERS = {
  adaos: "publish and subscribe as they are",
  "adaos-bare": "without outbox, metrics and idempotency store",
  raw: "js.publish and a consumer with callback of the bare client, in the hub's account",
} as const;

export type ContenderName = keyof typeof CONTENDERS;

/** Where the processes of one run find their mesh. */
export interface Place {
  readonly state: string;
  readonly from: string;
  readonly to: string;
  /** Of the sending subnet. */
  readonly server: { readonly url: string; readonly seedFile: string };
  /** Tells this run's durable and subject from others'. */
  readonly run: string;
}

/** One end of a run. */
export interface Sender {
  send(text: string): Promise<unknown>;
  close(): Promise<void>;
}

const BARE = { outbox: false, metrics: false } as const;

export async function openSender(name: ContenderName, place: Place): Promise<Sender> {
  if (name === "raw") return openRawSender(place);
  const options = name === "adaos" ? {} : BARE;
  const bus = await connectMember({ as: `${place.from}/publisher`, state: place.state, ...options });
  return { send: (text) => bus.publish("ui.notify", { text }), close: () => bus.close() };
}

/** Hands every text to `onText` once it has been taken by a handler. Resolves when it is ready for the first. */
export async function openReceiver(
  name: ContenderName,
  place: Place,
  onText: (text: string) => void,
): Promise<() => Promise<void>> {
  if (name === "raw") return openRawReceiver(place, onText);
  const options = name === "adaos" ? {} : BARE;
  const bus = await connectMember({ as: `${place.to}/subscriber`, state: place.state, ...options });
  await bus.subscribe(
    "ui.notify",
    { durable: place.run, maxConcurrency: 256, ...(name === "adaos" ? {} : { idempotency: "off" }) },
    ({ data }) => onText((data as { text: string }).text),
  );
  return () => bus.close();
}

const STREAM = "BENCH";

async function dialRaw({ server }: Place): Promise<Awaited<ReturnType<typeof dial>>> {
  const seed = new TextEncoder().encode(readSeed(server.seedFile));
  return dial({ servers: server.url, authenticator: nkeyAuthenticator(seed) });
}

async function openRawSender(place: Place): Promise<Sender> {
  const nc = await dialRaw(place);
  const js = nc.jetstream();
  const subject = `bench.${place.run}`;
  return { send: (text) => js.publish(subject, JSON.stringify({ text })), close: () => nc.close() };
}

async function openRawReceiver(place: Place, onText: (text: string) => void): Promise<() => Promise<void>> {
  const nc = await dialRaw(place);
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({ name: STREAM, subjects: ["bench.>"], max_bytes: 268_435_456 });
  await jsm.consumers.add(STREAM, {
    durable_name: place.run,
    ack_policy: AckPolicy.Explicit,
    filter_subject: `bench.${place.run}`,
    max_ack_pending: 4096,
  });
  const consumer = await nc.jetstream().consumers.get(STREAM, place.run);
  await consumer.consume({
    max_messages: 1000,
    callback: (message) => {
      onText(message.json<{ text: string }>().text);
      message.ack();
    },
  });
  return () => nc.close();
}
