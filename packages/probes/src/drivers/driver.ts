/** A connection to the target. The probe limits the time of each call, and closes the connection when it is over. */
export interface ProbeConnection {
  /** Rejects when there is no connection to be had. Not called twice. */
  connect(): Promise<void>;
  /** Sends the request that costs the other side the least. Rejects when the answer is not as it should be. */
  ask(): Promise<void>;
  /** Ends whatever is under way, so that it settles. Safe at any time, and more than once. */
  close(): Promise<void>;
}

/** Makes one connection after the other to the same place. */
export type OpenProbe = () => ProbeConnection;

/** Where a probe looks, and how long a call may take. */
export interface ProbeTarget {
  readonly url: string;
  readonly timeoutMs: number;
}
