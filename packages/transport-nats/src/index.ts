export { type AckSource, storedMsOf } from "./ack-subject.ts";
export {
  type Connection,
  type ConnectionListener,
  type ConnectionOptions,
  delay,
  openConnection,
} from "./connection.ts";
export { plainText } from "./consumer-state.ts";
export { DeadLetterDesk, type KeptLetter } from "./dead-letter-desk.ts";
export { HeaderReader } from "./header-reader.ts";
export type {
  BudgetReply,
  DurableReply,
  DurableRequest,
  HandlersReply,
  HandlersRequest,
  HubRefusal,
  ParkedReply,
  ParkedRequest,
  ParkReply,
  ParkRequest,
  RegistryOffer,
  RegistryOfferReply,
  RegistryReply,
  RegistryRequest,
  ReleaseReply,
  ReleaseRequest,
  StoredReply,
  StoredReplyRequest,
  StreamFillReply,
  Suspended,
} from "./hub-requests.ts";
export { askHub } from "./hub-requests.ts";
export { dropOtherDurables, ensureLinkDurable, findConsumer, type LinkDurable } from "./link-durable.ts";
export { headersOfMsg, idOfMsg, travellingHeaders, travellingOf } from "./message-headers.ts";
export { eventIdWithin, type MessageIds } from "./message-ids.ts";
export { NatsIdempotencyStore } from "./nats-idempotency.ts";
export { NatsJournal } from "./nats-journal.ts";
export { NatsMetricsStore } from "./nats-metrics.ts";
export { NatsTransport, type NatsTransportOptions } from "./nats-transport.ts";
export { ifThere } from "./not-found.ts";
export {
  type Allowance,
  type OrderedMessage,
  PinnedConsumer,
  type PinnedConsumerOptions,
  type PullPace,
} from "./pinned-consumer.ts";
export {
  PullConsumer,
  type PullConsumerOptions,
  type PulledMessage,
} from "./pull-consumer.ts";
export { type StoredFrom, type StoredMessage, storedMessageAt, storedMessages } from "./stored-messages.ts";
export { StreamBooks, type StreamBooksOptions } from "./stream-books.ts";
export { StreamPublisher, type StreamPublisherOptions } from "./stream-publisher.ts";
export { decideShares, type StreamFill } from "./stream-shares.ts";
export { ACK_WAIT_MS, ensureStream, type StreamSettings } from "./streams.ts";
export { type ConnectionTls, dialTls, isEncrypted, tlsRefusal } from "./tls.ts";
