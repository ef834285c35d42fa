export { mendClient } from "./connection/client-mends.ts";
export {
  type Connection,
  type ConnectionListener,
  type ConnectionOptions,
  isKeyRefused,
  openConnection,
} from "./connection/connection.ts";
export { HeaderReader } from "./connection/header-reader.ts";
export { headersOfMsg, idOfMsg, travellingOf } from "./connection/message-headers.ts";
export { ifThere } from "./connection/not-found.ts";
export { clockIn, programHeaders, programIn } from "./connection/program-headers.ts";
export { toSend } from "./connection/raw-publish.ts";
export { isServerFault } from "./connection/server-faults.ts";
export { type ConnectionTls, dialTls, isEncrypted, tlsRefusal } from "./connection/tls.ts";
export { NatsTransport } from "./nats-transport.ts";
export type { SeqRange, StreamDamage } from "./positions/compare-stream.ts";
export { type DamageAudience, DamageEvents } from "./positions/damage-events.ts";
export { type DurablePosition, durablePosition, rewindDurable } from "./positions/durables-anew.ts";
export { type BookedStream, type PositionFile, parseBook } from "./positions/position-book.ts";
export { listStreams } from "./positions/read-stream.ts";
export { damageNote, type StoreDamage } from "./positions/store-damage.ts";
export { StoreKeeper } from "./positions/store-keeper.ts";
export {
  type AstrayDurable,
  healDurable,
  type StreamVerdict,
  type VerifyOptions,
  verifyStream,
} from "./positions/verify-stream.ts";
export { LineWindow } from "./publish/line-window.ts";
export { eventIdWithin, type MessageIds } from "./publish/message-ids.ts";
export { StreamPublisher } from "./publish/stream-publisher.ts";
export { type Outgoing, StreamWriter, type WriteResult } from "./publish/stream-writer.ts";
export { type AckSource, storedMsOf } from "./pull/ack-subject.ts";
export { plainText } from "./pull/consumer-state.ts";
export {
  beginLinkDurableAt,
  dropOtherDurables,
  ensureLinkDurable,
  findConsumer,
  listConsumers,
} from "./pull/link-durable.ts";
export type { OrderedMessage } from "./pull/ordered-message.ts";
export {
  type Allowance,
  PinnedConsumer,
  type PullPace,
} from "./pull/pinned-consumer.ts";
export { PullConsumer, type PulledMessage } from "./pull/pull-consumer.ts";
export { DeadLetterQueue } from "./services/dead-letter-queue.ts";
export {
  askHub,
  type BudgetReply,
  type DurableReply,
  type DurableRequest,
  type HandlersReply,
  type HandlersRequest,
  type HubRefusal,
  type ParkedReply,
  type ParkedRequest,
  type ParkReply,
  type ParkRequest,
  type RefillReply,
  type RefillRequest,
  type RegistryOffer,
  type RegistryOfferReply,
  type RegistryReply,
  type RegistryRequest,
  type ReleaseReply,
  type ReleaseRequest,
  type StoredReply,
  type StoredReplyRequest,
  type StreamFillReply,
  type Suspended,
  type TimerReply,
  type TimerRequest,
} from "./services/hub-requests.ts";
export { NatsDocuments } from "./services/nats-documents.ts";
export { NatsJournal } from "./services/nats-journal.ts";
export { NatsMarks } from "./services/nats-marks.ts";
export { NatsMetricsStore } from "./services/nats-metrics.ts";
export { storedSnapshot } from "./services/stored-metrics.ts";
export { type MessageSearch, placesOfId } from "./stream/find-message.ts";
export { ReadingLimit } from "./stream/reading-limit.ts";
export {
  type StoredFrom,
  type StoredMessage,
  storedMessageAt,
  storedMessages,
  storedMsFrom,
  storedPage,
} from "./stream/stored-messages.ts";
export { decideShares } from "./stream/stream-shares.ts";
export { StreamUsage } from "./stream/stream-usage.ts";
export { ACK_WAIT_MS, ensureStream, type StreamSettings } from "./stream/streams.ts";
