/** Counted since the bus was made. */
export interface BusStats {
  published: number;
  /** The part of `published` that the outbox of this machine accepted while the hub was away. */
  queued: number;
  handled: number;
  /** Deliveries that were not handled again, since their effect had already happened. */
  repeated: number;
  /** Failed attempts that will be repeated. */
  retried: number;
  deadLettered: number;
  /** Redelivered later: the hub took no dead letter, or the idempotency store did not answer. */
  held: number;
  /** Not handed to a handler: the event breaks its contract, or is unknown and the hub had no room to park it. */
  refused: number;
  /** Kept until the schema of their event is known. */
  parked: number;
  /** At-most-once commands whose handler failed; the requester got the failure as its reply. */
  failed: number;
}

/** The statistics of a bus that has done nothing yet. */
export function noStats(): BusStats {
  return {
    published: 0,
    queued: 0,
    handled: 0,
    repeated: 0,
    retried: 0,
    deadLettered: 0,
    held: 0,
    refused: 0,
    parked: 0,
    failed: 0,
  };
}
