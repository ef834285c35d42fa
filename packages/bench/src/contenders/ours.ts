import { type Bus, connect } from "@adaos/client";
import { doneStream, eventsStream, MESH_STREAM, memberConsumer, ROOT_DOMAIN } from "@adaos/core/wire";
import type { NatsConnection } from "nats";
import { ASK_EVENT, ASK_NOW_EVENT, TEXT_EVENT } from "../bench-registry.ts";
import type { Contender, Place } from "../contender.ts";
import { dialServer } from "../dial-server.ts";

type Carries = { readonly text: string };

/** Handlers at a time: enough of them that acknowledgements share a disk sync. */
const MAX_CONCURRENCY = 256;

/** As every app gets it. */
export const adaos: Contender = {
  what: "publish, subscribe and request as they are: validated, enveloped, settled, handled once",
  ...endsWith({}, {}),
};

export const adaosBare: Contender = {
  what: "adaos without outbox, metrics and idempotency store",
  ...endsWith({ outbox: false, metrics: false }, { idempotency: "off" }),
};

/** Requests that the registry lets be lost. */
export const adaosNow: Contender = {
  what: "request of a command that is delivered at most once, so that neither it nor its reply is stored",
  ...endsWith({}, {}, ASK_NOW_EVENT),
};

function endsWith(
  how: { readonly outbox?: false; readonly metrics?: boolean },
  subscribed: { readonly idempotency?: "off" },
  command: string = ASK_EVENT,
): Omit<Contender, "what"> {
  const open = (as: string, { state }: Place): Promise<Bus> => connect({ as, state, ...how });
  const options = ({ receiver }: Place) =>
    ({ durable: receiver, maxConcurrency: MAX_CONCURRENCY, ...subscribed }) as const;
  return {
    openSender: async (place) => {
      const bus = await open(`${place.from}/publisher`, place);
      return { send: (text) => bus.publish(TEXT_EVENT, { text }), close: () => bus.close() };
    },
    openReceiver: async (place, onText) => {
      const bus = await open(`${place.to}/subscriber`, place);
      await bus.subscribe(TEXT_EVENT, options(place), ({ data }) => onText((data as Carries).text));
      return () => bus.close();
    },
    openRequester: async (place) => {
      const bus = await open(`${place.from}/publisher`, place);
      return {
        request: async (text) => {
          const { data }: { readonly data: unknown } = await bus.request(command, { text });
          return (data as Carries).text;
        },
        close: () => bus.close(),
      };
    },
    openResponder: async (place, answer) => {
      const bus = await open(`${place.to}/subscriber`, place);
      await bus.subscribe(command, options(place), ({ data }) => ({
        text: answer((data as Carries).text),
      }));
      return () => bus.close();
    },
    tidy: tidyStreams,
  };
}

/** What is left of a run is nobody's any more: its durable goes, and so does what the streams hold. */
async function tidyStreams(place: Place): Promise<void> {
  const { from, to, receiver } = place;
  await withServer(place, to, async (nc) => {
    const jsm = await nc.jetstreamManager();
    // Where nothing was received, none was made.
    await jsm.consumers
      .delete(eventsStream(to), memberConsumer("subscriber", receiver))
      .catch(() => undefined);
    await jsm.streams.purge(eventsStream(to));
    await jsm.streams.purge(doneStream({ subnet: to, node: "subscriber" }));
  });
  if (from === to) return;
  await withServer(place, ROOT_DOMAIN, async (nc) => {
    await (await nc.jetstreamManager()).streams.purge(MESH_STREAM);
  });
  await withServer(place, from, async (nc) => {
    await (await nc.jetstreamManager()).streams.purge(eventsStream(from));
  });
}

async function withServer(
  place: Place,
  of: string,
  use: (nc: NatsConnection) => Promise<void>,
): Promise<void> {
  const nc = await dialServer(place, of);
  await use(nc).finally(() => nc.close());
}
