import { createHash } from "node:crypto";
import type { Bus, Subscription } from "@adaos/client";
import {
  type Envelope,
  type EventRef,
  formatEventRef,
  parseEventPattern,
  patternMatches,
  RetryableError,
  toCloudEvent,
} from "@adaos/core";
import {
  type CloudEventMode,
  DATA_CLASSES,
  type DataClass,
  encodeCloudEvent,
  type KnownEvent,
  messageOf,
  type NodeAddress,
  type TypeMap,
} from "@adaos/core/wire";
import { type ForeignServer, streamOf, toHeaders } from "./foreign-server.ts";

export interface BridgeOutOptions {
  readonly patterns: readonly string[];
  readonly subject: string;
  readonly durable: string;
  readonly mode: CloudEventMode;
  readonly types: TypeMap;
  /** Classes of data that may leave the mesh. */
  readonly clearance: readonly DataClass[];
  /** The events of the registry at the start. */
  readonly events: readonly KnownEvent[];
  readonly say: (line: string) => void;
}

/** Retried for days: a server that is away is not a fault of the event. */
const RETRY = { baseMs: 1000, factor: 2, maxMs: 60_000, maxRetries: 100 };

/**
 * Sends events of the mesh to a subject of a foreign server, by one of the member's durables for each pattern.
 * Where a stream stores the subject, an event is handled once it is stored there, under the event's origin and id;
 * otherwise once the server has it. Events with data that the server has no clearance for are skipped, with one
 * message for each event name.
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
  const gate = new Gate(options);
  const subscriptions: Subscription[] = [];
  for (const pattern of patterns) {
    const own = durableOf(durable, pattern);
    const subscription = await bus.subscribe(
      pattern,
      { durable: own, maxConcurrency: 1, answers: false, retry: RETRY },
      (event, { address, classes }) =>
        gate.lets(address, classes)
          ? send(foreign, stream !== undefined, { event, address }, options)
          : undefined,
    );
    subscriptions.push(subscription);
    say(`sending ${pattern} to ${subject}, durable ${own}`);
  }
  return subscriptions;
}

/** Passes events that the foreign server has clearance for. */
export class Gate {
  readonly #clearance: ReadonlySet<DataClass>;
  readonly #say: (line: string) => void;
  readonly #told = new Set<string>();

  constructor({
    patterns,
    clearance,
    events,
    say,
  }: Pick<BridgeOutOptions, "patterns" | "clearance" | "events" | "say">) {
    this.#clearance = new Set(clearance);
    this.#say = say;
    const parsed = patterns.map(parseEventPattern);
    for (const { name, version, classes } of events)
      if (parsed.some((pattern) => patternMatches(pattern, name, version)))
        this.lets({ name, version }, classes ?? []);
  }

  /** Reports each event name that is refused, the first time. */
  lets({ name, version }: EventRef & { readonly version: number }, classes: readonly DataClass[]): boolean {
    const missing = DATA_CLASSES.filter((one) => classes.includes(one) && !this.#clearance.has(one));
    if (missing.length === 0) return true;
    const ref = formatEventRef(name, version);
    if (!this.#told.has(ref))
      this.#say(
        `not sent: ${ref} has data that is ${missing.join(" and ")}; --clearance ${classes.join(",")} lets it out`,
      );
    this.#told.add(ref);
    return false;
  }
}

async function send(
  { nc, js }: ForeignServer,
  isStored: boolean,
  { event, address }: { readonly event: Envelope; readonly address: NodeAddress },
  { subject, mode, types }: BridgeOutOptions,
): Promise<void> {
  const message = encodeCloudEvent(toCloudEvent(event, types), mode);
  const headers = toHeaders(message.headers);
  try {
    // A node chooses the ids of its events: they must not collide with another node's.
    const msgID = `${address.subnet}/${address.node}/${event.event_id}`;
    if (isStored) await js.publish(subject, message.body, { headers, msgID });
    else {
      nc.publish(subject, message.body, { headers });
      await nc.flush();
    }
  } catch (cause) {
    throw new RetryableError(`the foreign server did not take it: ${messageOf(cause)}`, { cause });
  }
}

/** The durable of a pattern; its name allows only a-z, 0-9 and dashes. */
function durableOf(base: string, pattern: string): string {
  const hash = createHash("sha256").update(pattern).digest("hex").slice(0, 8);
  return `${base.slice(0, 54)}-${hash}`;
}
