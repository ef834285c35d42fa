/** A dead letter in the list. */
export interface LetterRow {
  /** Its place: `beta/17`, or `beta/parked-3` of an event that waits for its schema. */
  readonly place: string;
  readonly letter_id: string;
  readonly event_id: string;
  readonly event: string;
  /** RFC 3339. */
  readonly at: string;
  readonly category: string;
  readonly node: string;
  readonly durable: string;
  readonly type: string;
  /** The beginning of its first line. */
  readonly message: string;
  readonly deliveries: number;
  readonly is_run: boolean;
}

export interface Count {
  readonly name: string;
  readonly count: number;
}

/** A subnet that was left out, and why. */
export interface Away {
  readonly of: string;
  readonly reason: string;
}

/** `GET /api/dead-letters`: a page of rows, newest first, and the counts of all that the filter matches. */
export interface Letters {
  readonly rows: readonly LetterRow[];
  readonly total: number;
  readonly categories: readonly Count[];
  /** The most frequent first. */
  readonly events: readonly Count[];
  readonly types: readonly Count[];
  /** Names the next page of older ones. */
  readonly older?: string;
  readonly away: readonly Away[];
  /** There are more than are read for one answer. */
  readonly is_cut: boolean;
}

/** A failure of the past, whatever has become of its dead letter. */
export interface FailureRow extends Omit<LetterRow, "place" | "deliveries" | "is_run"> {
  readonly key: string;
  /** `failed`: time cannot cure it; `dead_letter`: its retries were spent. */
  readonly status: string;
  /** Its last replay. Status of its record; empty where no failure of it is recorded. */
  readonly replay?: { readonly event_id: string; readonly outcome: string };
}

/** `GET /api/dead-letters/failures`: the newest first. */
export interface Failures {
  readonly rows: readonly FailureRow[];
  readonly total: number;
  readonly away: readonly Away[];
  readonly is_cut: boolean;
}

/** `GET /api/dead-letters/:at/:place`: everything known about one. */
export interface Letter extends LetterRow {
  readonly rule: string;
  readonly error: { readonly type: string; readonly message: string; readonly stack: string };
  readonly attempts: readonly { readonly at: string; readonly type: string; readonly message: string }[];
  readonly stream: string;
  readonly seq: number;
  readonly subject: string;
  readonly correlation_id: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The event as it may be shown; null where the bytes are none. */
  readonly envelope: unknown;
  readonly is_masked: boolean;
  /** Missing of a masked event and of a run. */
  readonly bytes?: LetterBytes;
  /** Null: the durable is gone. */
  readonly handler: {
    readonly pending: number;
    readonly unsettled: number;
    readonly is_paused: boolean;
  } | null;
  /** The letter whose replay has failed here; empty for the first failure. */
  readonly replay_of: string;
  /** Its own replay, where the stream holds one. */
  readonly replay?: { readonly event_id: string; readonly outcome: string };
}

export interface LetterBytes {
  readonly length: number;
  /** The beginning, as UTF-8. */
  readonly text: string;
  /** The beginning, 16 bytes a line. */
  readonly hex: string;
  readonly is_truncated: boolean;
}

/** `POST /api/dead-letters/plan`: what a job would do. */
export interface LetterPlanAnswer {
  readonly kind: "replay" | "purge";
  /** All that the selection matches. */
  readonly matched: number;
  /** Those that the job would change. */
  readonly count: number;
  /** Those of them that were given to their handlers already: they are only taken off the list. */
  readonly replayed: number;
  readonly permanent: number;
  /** Those of them whose durable is gone. */
  readonly orphaned: number;
  readonly refused: readonly { readonly reason: string; readonly count: number }[];
  /** Those of them that another job is changing. */
  readonly busy: number;
  readonly what: string;
  readonly away: readonly Away[];
}
