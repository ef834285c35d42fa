import { JSONCodec, type NatsConnection } from "nats";
import type { Contender, Place } from "../contender.ts";
import { dialServer } from "../dial-server.ts";
import { consumeTexts } from "./bare-consumer.ts";

const STREAM = "BENCH";
/** Ten times what a run stores. */
const MAX_BYTES = 1_073_741_824;

/** With many publishes in flight a busy server needs longer than the default of five seconds. */
const PATIENT = { timeout: 60_000 };

const json = JSONCodec<{ readonly text: string }>();

/** The bare client in the account of the hub daemon: no envelope, no schema, no message ids, no policy. */
export const raw: Contender = {
  what: "js.publish, a consumer with callback and nc.request of the bare nats client; requests are not stored",
  openSender: async (place) => {
    const nc = await open(place);
    const js = nc.jetstream();
    const subject = subjectOf(place);
    return { send: (text) => js.publish(subject, json.encode({ text }), PATIENT), close: () => nc.close() };
  },
  openReceiver: async (place, onText) => {
    const nc = await open(place);
    const from = { stream: STREAM, durable: durableOf(place), subject: subjectOf(place) };
    return consumeTexts(nc, from, onText);
  },
  openRequester: async (place) => {
    const nc = await dialServer(place, place.from);
    const subject = requestSubjectOf(place);
    return {
      request: async (text) => {
        const answer = await nc.request(subject, json.encode({ text }), { timeout: 10_000 });
        return json.decode(answer.data).text;
      },
      close: () => nc.close(),
    };
  },
  openResponder: async (place, answer) => {
    const nc = await dialServer(place, place.to);
    nc.subscribe(requestSubjectOf(place), {
      callback: (_, message) =>
        message.respond(json.encode({ text: answer(json.decode(message.data).text) })),
    });
    await nc.flush();
    return () => nc.close();
  },
  tidy: async (place) => {
    const nc = await dialServer(place, place.to);
    const jsm = await nc.jetstreamManager();
    // With its consumers, if it exists.
    await jsm.streams.delete(STREAM).catch(() => undefined);
    await nc.close();
  },
};

const subjectOf = ({ run }: Place): string => `bench.${run}`;
const requestSubjectOf = ({ run }: Place): string => `bench-request.${run}`;
const durableOf = ({ run, receiver }: Place): string => `${run}-${receiver}`;

/** Sender and receiver both create the stream. */
async function open(place: Place): Promise<NatsConnection> {
  const nc = await dialServer(place, place.from);
  const jsm = await nc.jetstreamManager();
  await jsm.streams.add({ name: STREAM, subjects: ["bench.>"], max_bytes: MAX_BYTES });
  return nc;
}
