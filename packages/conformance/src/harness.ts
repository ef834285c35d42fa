import type { Message, Transport } from "@adaos/core";
import type { NodeAddress } from "@adaos/core/wire";

/** Abilities of an adapter beside its capabilities. The suite proves each line, whether true or false. */
export interface TransportTraits {
  /** Events, positions and open transports survive a restart of the store. */
  readonly survivesRestart: boolean;
  /** It refuses a message against the policy, even if its caller has checked nothing. */
  readonly enforcesRights: boolean;
  /** It can report that nobody answers a command of the first publisher. */
  readonly knowsHandlers: boolean;
  /** Any bytes arrive. If false, only envelopes do. */
  readonly opaqueBodies: boolean;
  /**
   * A receipt's stream and seq are those of the delivery. If false, publisher and subscriber have different
   * streams.
   */
  readonly oneLog: boolean;
  /** Largest body that arrives, in bytes. */
  readonly maxBodyBytes: number;
  /** A body of this size is refused as `too-large`. */
  readonly refusedBodyBytes: number;
  /** A delivery whose subscriber is gone is redelivered after this time. */
  readonly ackWaitMs: number;
}

/** One adapter and its surroundings, for the suite. */
export interface TransportHarness {
  readonly traits: TransportTraits;
  /** Two nodes of one subnet, which may publish below `prefix`. */
  readonly publishers: readonly [NodeAddress, NodeAddress];
  /** Two nodes of one subnet which may subscribe below `prefix`; the second may subscribe everything. */
  readonly subscribers: readonly [NodeAddress, NodeAddress];
  /** Start of the names of all events of the suite, with its dot. */
  readonly prefix: string;
  /**
   * Name of an event that the policy lets neither the first publisher publish nor the first subscriber subscribe.
   */
  readonly forbidden: string;
  /** Longest wait for an expected result. */
  readonly limitMs: number;
  /** Time for which the store recognises an id; 0 if never. The transport must declare the same. */
  readonly duplicateWindowMs: number;
  /** The suite does not wait for a duplicate window longer than this. */
  readonly longestWindowMs: number;
  /** Connects as a node. The suite closes what it opens. */
  open(as: NodeAddress): Promise<Transport>;
  /** Stores replays on the subscribers' side, as the side's operator or hub would. */
  replay(messages: readonly Message[]): Promise<void>;
  /** Kills the store of a side without a warning, and restarts it. May resolve before it is back. */
  restart(side: "publisher" | "subscriber"): Promise<void>;
  /** Ends a transport as the death of its process would. Undefined: transports share a process with the store. */
  readonly crash?: (transport: Transport) => Promise<void>;
  /** Given when the log of the publishers can be filled up. */
  readonly log?: {
    /** A log with so many bytes of bodies is full. */
    readonly maxBytes: number;
    /** Drops all its messages, so that the other tests can go on. */
    empty(): Promise<void>;
  };
}
