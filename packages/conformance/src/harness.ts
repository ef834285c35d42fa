import type { Message, Transport } from "@adaos/core";
import type { NodeAddress } from "@adaos/core/wire";

/** What an adapter can and cannot do, beside its capabilities. The suite proves each line, whichever way it is. */
export interface TransportTraits {
  /** Events, positions and open transports outlive a restart of whatever stores them. */
  readonly survivesRestart: boolean;
  /** It refuses what policy does not allow, whatever its caller has checked. */
  readonly enforcesRights: boolean;
  /** It can tell that nobody answers a command of the first publisher's. */
  readonly knowsHandlers: boolean;
  /** Any bytes arrive. If not, envelopes only do. */
  readonly opaqueBodies: boolean;
  /**
   * A receipt's stream and seq are those of the delivery. If not, publisher and subscriber have streams of their own.
   */
  readonly oneLog: boolean;
  /** Largest body that arrives, in bytes. */
  readonly maxBodyBytes: number;
  /** A body of so many bytes is refused as `too-large`. */
  readonly refusedBodyBytes: number;
  /** A delivery whose holder is gone is given to another after this time. */
  readonly ackWaitMs: number;
}

/** One adapter and its surroundings, as the suite needs them. */
export interface TransportHarness {
  readonly traits: TransportTraits;
  /** Two nodes of one subnet, which may publish below `prefix`. */
  readonly publishers: readonly [NodeAddress, NodeAddress];
  /** Two nodes of one subnet which may subscribe below `prefix`; the second may subscribe everything. */
  readonly subscribers: readonly [NodeAddress, NodeAddress];
  /** Start of the names of all events of the suite, with its dot. */
  readonly prefix: string;
  /** Name of an event which policy lets neither the first publisher publish nor the first subscriber subscribe. */
  readonly forbidden: string;
  /** Longest wait for what must happen. */
  readonly limitMs: number;
  /** How long what stores the events recognises an id; 0 if never. The transport must declare the same. */
  readonly duplicateWindowMs: number;
  /** A duplicate window longer than this is not waited for. */
  readonly longestWindowMs: number;
  /** Connects as a node. The suite closes what it opens. */
  open(as: NodeAddress): Promise<Transport>;
  /** Stores replays on the subscribers' side, as whoever looks after them would. */
  replay(messages: readonly Message[]): Promise<void>;
  /**
   * Ends what stores the events of a side, without a warning, and has it started again. May resolve before it is back.
   */
  restart(side: "publisher" | "subscriber"): Promise<void>;
  /**
   * Ends a transport as the death of its process would. Not given: transports share a process with what they connect
   * to.
   */
  readonly crash?: (transport: Transport) => Promise<void>;
  /** Given when the log of the publishers can be filled up. */
  readonly log?: {
    /** A log that holds so many bytes of bodies is full. */
    readonly maxBytes: number;
    /** Drops everything it holds, so that the other tests can go on. */
    empty(): Promise<void>;
  };
}
