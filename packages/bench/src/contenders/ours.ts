import { type Bus, connect } from "@adaos/client";
import { ASK_EVENT, ASK_NOW_EVENT, TEXT_EVENT } from "../bench-registry.ts";
import type { Contender, Place } from "../contender.ts";
import { runAdaos } from "../run-adaos.ts";

type Carries = { readonly text: string };

/** Concurrent handlers: enough that acknowledgements share a disk sync. */
const MAX_CONCURRENCY = 256;

/** As applications use it. */
export const adaos: Contender = {
  what: "publish, subscribe and request as they are: validated, enveloped, settled, handled once",
  ...endsWith({}, {}),
};

export const adaosBare: Contender = {
  what: "adaos without outbox, metrics and idempotency store",
  ...endsWith({ outbox: false, metrics: false }, { idempotency: "off" }),
};

/** Without what counting costs. */
export const adaosUncounted: Contender = {
  what: "adaos without metrics",
  ...endsWith({ metrics: false }, {}),
};

/** Requests that the registry allows to be lost. */
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
    tidy: deleteDurable,
  };
}

/** Deletes by the command: a durable or messages that are removed behind the mesh's back would be restored. */
async function deleteDurable({ to, receiver, state }: Place): Promise<void> {
  const durable = `${to}/subscriber/${receiver}`;
  // Without a receiver there is none.
  await runAdaos(["durables", "delete", durable, "--force", "--yes", "--state", state]).catch(
    () => undefined,
  );
}
