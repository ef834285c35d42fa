import { createHash } from "node:crypto";
import {
  type CloudEventMode,
  type Envelope,
  encodeCloudEvent,
  messageOf,
  RetryableError,
  type TypeMap,
  toCloudEvent,
} from "@adaos/core";
import type { Bus, Subscription } from "@adaos/member";
import { type ForeignServer, streamOf, toHeaders } from "./foreign-server.ts";

export interface BridgeOutOptions {
  readonly patterns: readonly string[];
  readonly subject: string;
  readonly durable: string;
  readonly mode: CloudEventMode;
  readonly types: TypeMap;
  readonly say: (line: string) => void;
}

/** Tried again for days: a server that is away is no fault of an event. */
const RETRY = { baseMs: 1000, factor: 2, maxMs: 60_000, maxRetries: 100 };

/**
 * Sends events of the mesh to a subject of a foreign server, by a durable of the member's for each pattern. Where a stream
 * holds the subject, an event is handled once that has stored it, under the event's id; else once the server has it.
 */
export async function bridgeOut(
  bus: Bus,
  foreign: ForeignServer,
  options: BridgeOutOptions,
): Promise<Subscription[]> {
  const { patterns, subject, durable, say } = options;
  const stream = await streamOf(foreign, subject);
  if (stream === undefined)
    say(
      `no stream of the server holds ${subject}: who does not listen when an event is sent does not get it`,
    );
  const subscriptions: Subscription[] = [];
  for (const pattern of patterns) {
    const own = durableOf(durable, pattern);
    const subscription = await bus.subscribe(
      pattern,
      { durable: own, maxConcurrency: 1, answers: false, retry: RETRY },
      (event) => send(foreign, stream !== undefined, event, options),
    );
    subscriptions.push(subscription);
    say(`sending ${pattern} to ${subject}, durable ${own}`);
  }
  return subscriptions;
}

async function send(
  { nc, js }: ForeignServer,
  isStored: boolean,
  event: Envelope,
  { subject, mode, types }: BridgeOutOptions,
): Promise<void> {
  const message = encodeCloudEvent(toCloudEvent(event, types), mode);
  const headers = toHeaders(message.headers);
  try {
    if (isStored) await js.publish(subject, message.body, { headers, msgID: event.event_id });
    else {
      nc.publish(subject, message.body, { headers });
      await nc.flush();
    }
  } catch (cause) {
    throw new RetryableError(`the foreign server did not take it: ${messageOf(cause)}`, { cause });
  }
}

/** A durable of the pattern's own; its name knows a-z, 0-9 and dashes only. */
function durableOf(base: string, pattern: string): string {
  const hash = createHash("sha256").update(pattern).digest("hex").slice(0, 8);
  return `${base.slice(0, 54)}-${hash}`;
}
