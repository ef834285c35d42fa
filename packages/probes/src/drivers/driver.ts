/** What a probe looks at. The probe limits every call in time; what is not answered by then is closed. */
export interface ProbeConnection {
  /** Rejects when there is no connection to be had. Not called twice. */
  connect(): Promise<void>;
  /** Asks what costs the other side the least, over the connection. Rejects when it does not answer as it should. */
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
