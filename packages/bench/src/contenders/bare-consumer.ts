import { AckPolicy, JSONCodec, type NatsConnection } from "nats";

const json = JSONCodec<{ readonly text: string }>();

/**
 * Consumes in the fastest way of the bare client's documentation. Resolves with the function that ends it and its
 * connection.
 */
export async function consumeTexts(
  nc: NatsConnection,
  {
    stream,
    durable,
    subject,
  }: { readonly stream: string; readonly durable: string; readonly subject: string },
  onText: (text: string) => void,
): Promise<() => Promise<void>> {
  const jsm = await nc.jetstreamManager();
  await jsm.consumers.add(stream, {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    filter_subject: subject,
    max_ack_pending: 4096,
  });
  const consumer = await nc.jetstream().consumers.get(stream, durable);
  const messages = await consumer.consume({
    max_messages: 1000,
    callback: (message) => {
      onText(json.decode(message.data).text);
      message.ack();
    },
  });
  return async () => {
    await messages.close();
    await nc.close();
  };
}
