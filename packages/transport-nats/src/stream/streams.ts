import { MeshError } from "@adaos/core";
import { assertStreamFormat, formatOf, messageOf, STREAM_FORMAT, streamFormat } from "@adaos/core/wire";
import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType, type StreamConfig } from "nats";
import { isNotFound, isPassing } from "../connection/not-found.ts";

export interface StreamSettings {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly duplicateWindowMs: number;
  /** Older messages of a subject make room for newer ones. @default unlimited */
  readonly maxMessagesPerSubject?: number;
  /** Behaviour of a full stream: it refuses messages, or drops its oldest. @default "refuse" */
  readonly whenFull?: "refuse" | "drop-oldest";
  /** Larger messages are refused, headers included. Larger messages already stored stay. */
  readonly maxMessageBytes: number;
  /** Whether it accepts batches that are stored message by message, each with its own sync. @default false */
  readonly fastBatches?: boolean;
  /** Whether a message may name the time after which the server removes it. @default false */
  readonly expiries?: boolean;
  /** Whether the server stores messages at a time that their headers name. @default false */
  readonly schedules?: boolean;
  /** Servers of a cluster that keep it; more than half of them must run. @default 1 */
  readonly replicas?: number;
  /** The server sends messages stored under `src` also under `dest`, to those subscribed then. */
  readonly republish?: { readonly src: string; readonly dest: string };
}

/** Subjects of a stream that accepts nothing yet: nobody may publish there. */
const CLOSED = "closed";

/**
 * Durables of a stream. Without it the server allows 1000: a root with more subnets, and a hub of 17 members that each
 * have all the durables they may, would not come up.
 */
const MAX_CONSUMERS = 100_000;

/** How long a server waits for a settlement. After it, another process gets the work of a dead one. */
export const ACK_WAIT_MS = 5000;

/**
 * Creates a stream or updates it to these settings; stored messages stay. Rejects with `unavailable`, or with
 * `invalid-config`, also for a stream of a later version's format.
 */
export async function ensureStream(jsm: JetStreamManager, settings: StreamSettings): Promise<void> {
  let metadata: Readonly<Record<string, string>> | undefined;
  try {
    ({ metadata } = (await jsm.streams.info(settings.name)).config);
  } catch (thrown) {
    if (!isNotFound("stream", thrown)) {
      throw MeshError.from(thrown, "unavailable", `JetStream does not answer for stream ${settings.name}`);
    }
    return makeStream(jsm, settings, 0);
  }
  assertStreamFormat(settings.name, metadata);
  await updateStream(jsm, settings);
}

/**
 * Creates a stream that is missing. The server recovers the messages that its disk still has under that name. Without
 * any, numbers go on after `lastSeq`, so that an old place never means a new message. Rejects with `unavailable` or
 * `invalid-config`.
 */
export async function makeStream(
  jsm: JetStreamManager,
  settings: StreamSettings,
  lastSeq: number,
): Promise<void> {
  const { name } = settings;
  const { republish: _, ...bare } = streamConfig(settings);
  // Nothing may be stored before the number of its first message is known.
  const first = lastSeq === 0 ? streamConfig(settings) : { ...bare, subjects: [`${CLOSED}.${name}`] };
  const { state } = await jsm.streams.add(first).catch((cause: unknown) => fail(settings, cause));
  if (state.messages === 0 && state.last_seq < lastSeq) await jsm.streams.purge(name, { seq: lastSeq + 1 });
  // When messages were recovered, the settings on the disk are incomplete: an update writes them.
  if (lastSeq > 0 || state.last_seq > 0) await updateStream(jsm, settings);
}

async function updateStream(jsm: JetStreamManager, settings: StreamSettings): Promise<void> {
  await jsm.streams
    .update(settings.name, streamConfig(settings))
    .catch((cause: unknown) => fail(settings, cause));
}

function streamConfig(settings: StreamSettings): StreamConfig {
  const format = streamFormat(settings.name);
  const scheduling = { allow_msg_schedules: true, allow_rollup_hdrs: true };
  const config: Partial<StreamConfig> & { allow_atomic: boolean; allow_batched: boolean } = {
    name: settings.name,
    subjects: [...settings.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: settings.whenFull === "drop-oldest" ? DiscardPolicy.Old : DiscardPolicy.New,
    max_age: settings.maxAgeMs * 1e6,
    max_bytes: settings.maxBytes,
    duplicate_window: settings.duplicateWindowMs * 1e6,
    max_msgs_per_subject: settings.maxMessagesPerSubject ?? -1,
    max_msg_size: settings.maxMessageBytes,
    max_consumers: MAX_CONSUMERS,
    num_replicas: settings.replicas ?? 1,
    allow_direct: true,
    allow_atomic: true,
    allow_batched: settings.fastBatches ?? false,
    deny_delete: false,
    ...(settings.schedules === true ? scheduling : {}),
    ...(settings.expiries === true ? { allow_msg_ttl: true } : {}),
    ...(settings.republish === undefined ? {} : { republish: settings.republish }),
    ...(format === undefined ? {} : { metadata: { [STREAM_FORMAT]: String(formatOf(format)) } }),
  };
  // The client's type predates schedules and both kinds of batches (nats-server 2.12 and 2.14).
  return config as StreamConfig;
}

function fail(settings: StreamSettings, cause: unknown): never {
  if (isPassing(cause)) {
    const what = `stream ${settings.name} cannot be made or changed now: ${messageOf(cause)}`;
    throw new MeshError("unavailable", what, { cause });
  }
  const what = `stream ${settings.name} (maxBytes ${settings.maxBytes}) cannot be made: ${messageOf(cause)}`;
  throw new MeshError("invalid-config", `${what}; is there enough free disk?`, { cause });
}
