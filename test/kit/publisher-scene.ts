import { MeshError, type Message, type PublishReceipt } from "@adaos/core";
import { StreamPublisher } from "@adaos/transport-nats";
import { vi } from "vitest";
import { ConnectionStandIn } from "./connection-stand-in.ts";
import { StreamStandIn } from "./stream-stand-in.ts";

type StreamPublisherOptions = ConstructorParameters<typeof StreamPublisher>[1];

export function message(id: string | number, changes: Partial<Message> = {}): Message {
  const subject = "evt.alpha.kitchen.ui.notify.v1";
  return { subject, id: String(id), headers: {}, body: new TextEncoder().encode(`body ${id}`), ...changes };
}

/** The stream denies it on a test's demand. */
export const SECRET = "evt.alpha.kitchen.nlp.secret.v1";

type Outcome = PublishReceipt | MeshError;

/** A publisher beside a stream that fails as a test demands. For fake timers. */
export class PublisherScene {
  readonly connection = new ConnectionStandIn();
  readonly stream = new StreamStandIn(this.connection);
  readonly publisher: StreamPublisher;
  readonly outcomes = new Map<string, Outcome>();

  constructor(options?: StreamPublisherOptions) {
    this.publisher = new StreamPublisher(this.connection, options);
  }

  /** A signal applies to the messages after it. */
  publish(...messages: readonly (Message | AbortSignal)[]): void {
    let signal: AbortSignal | undefined;
    for (const one of messages) {
      if (one instanceof AbortSignal) {
        signal = one;
        continue;
      }
      this.publisher.publish(one, signal).then(
        (receipt) => this.outcomes.set(one.id, receipt),
        (error: MeshError) => this.outcomes.set(one.id, error),
      );
    }
  }

  /** Publishes until one write may be so large: the publisher learns the line's rate. */
  async warmUp(bytes: number): Promise<void> {
    for (let n = 0; this.publisher.writeBytes < bytes; n++) {
      this.publish(...ids(20).map((id) => message(`warm-${n}-${id}`, { body: new Uint8Array(100_000) })));
      await this.wait(20);
    }
    this.stream.stored.length = 0;
    this.stream.writes.length = 0;
  }

  async wait(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  ids(): string[] {
    return this.stream.stored.map(({ id }) => id);
  }

  /** The error code of each message, `""` for a stored one. */
  codes(): Record<string, string> {
    const codes = [...this.outcomes].map(([id, outcome]) => [
      id,
      outcome instanceof MeshError ? outcome.code : "",
    ]);
    return Object.fromEntries(codes);
  }
}

export function ids(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}
