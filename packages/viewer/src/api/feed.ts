/** An event as its stream holds it, with classified values masked. */
export interface FeedEvent {
  readonly type: "event";
  /** The reader's place in every followed stream behind this event. */
  readonly id: string;
  /** The stream: a subnet, or `root`. */
  readonly at: string;
  readonly seq: number;
  /** When the stream has stored it, RFC 3339. */
  readonly stored: string;
  /** `subnet/node` that has published it, as its server has authenticated it. */
  readonly origin: string;
  readonly envelope: FeedEnvelope;
}

/** The fields are those of the mesh's envelope. */
export interface FeedEnvelope {
  readonly event_id: string;
  readonly event_name: string;
  readonly version: number;
  readonly kind: "event" | "command" | "reply";
  readonly ts: string;
  readonly source: string;
  readonly correlation_id: string;
  readonly causation_id?: string;
  readonly tenant: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: unknown;
}

/** Every message of `GET /api/feed`. */
export type FeedMessage =
  | FeedEvent
  /** What is followed, and how many events a second are sent at most. */
  | { readonly type: "start"; readonly id: string; readonly places: readonly string[]; readonly rate: number }
  /** Stored bytes that are no event. */
  | {
      readonly type: "malformed";
      readonly id: string;
      readonly at: string;
      readonly seq: number;
      readonly stored: string;
      readonly subject: string;
      readonly reason: string;
    }
  /** Since the last such message, more events matched than were sent. */
  | { readonly type: "sampled"; readonly matched: number; readonly sent: number; readonly ms: number }
  | { readonly type: "away"; readonly at: string; readonly reason: string }
  | { readonly type: "back"; readonly at: string }
  /** Events from the first to the last of these numbers are not sent. */
  | {
      readonly type: "gap";
      readonly at: string;
      readonly fromSeq: number;
      readonly toSeq: number;
      readonly reason: string;
    }
  | { readonly type: "beat"; readonly id: string; readonly time: string }
  /** The last message. */
  | { readonly type: "end"; readonly code: number; readonly reason: string };
