import type { Durability } from "@adaos/core/wire";

/** The surroundings of one run of a contender. Plain data: worker processes receive it. */
export interface Place {
  /** Name for the run's subject or queue: `a-z`, `0-9` and `-`. No other run has it. */
  readonly run: string;
  /** Name of the receiver within the run: receivers of different names get every text each. Spelled like `run`. */
  readonly receiver: string;
  /** The sending subnet. */
  readonly from: string;
  /** The receiving subnet; the same as `from` for a run within a subnet. */
  readonly to: string;
  /** State folder of the mesh. */
  readonly state: string;
  /** The mesh's servers, by subnet; the root's under `root`. */
  readonly servers: Readonly<Record<string, ServerAccess>>;
  /** Settings of the contender's {@link Backing}; `undefined` without one. */
  readonly settings?: unknown;
}

/** A nats-server of the mesh, and the seed of the daemon beside it. */
export interface ServerAccess {
  readonly url: string;
  readonly seedFile: string;
}

/** One end of a run. */
export interface Sender {
  /** Resolves once the text is stored as durably as the run asks. */
  send(text: string): Promise<unknown>;
  close(): Promise<void>;
}

/** The asking end of a run of requests. */
export interface Requester {
  request(text: string): Promise<string>;
  close(): Promise<void>;
}

/** A way to carry texts from a sender to a handler; it runs in the worker processes. */
export interface Contender {
  /** One line, with its durability settings. */
  readonly what: string;
  /** Sent texts are stored even before a receiver is opened. */
  openSender(place: Place): Promise<Sender>;
  /**
   * Passes every text of the run to `onText` once, and settles it. Resolves when it is ready for the first. Texts
   * sent after a receiver was first opened, and while it is closed, are kept for it.
   */
  openReceiver(place: Place, onText: (text: string) => void): Promise<() => Promise<void>>;
  /** Undefined for a contender without requests. */
  openRequester?(place: Place): Promise<Requester>;
  openResponder?(place: Place, answer: (text: string) => string): Promise<() => Promise<void>>;
  /** Removes the remains of a run, so that no later one pays for it. Called for each receiver. */
  tidy?(place: Place): Promise<void>;
}

/** Servers that a contender needs beside the mesh: the main process starts and stops them. */
export interface Backing {
  /** JSON for the workers, in {@link Place.settings}. */
  readonly settings: unknown;
  /** Started servers and their clients: name to version. */
  readonly versions: Readonly<Record<string, string>>;
  /** Also works after a failed run. */
  stop(): Promise<void>;
}

/** How the benchmark loads and starts a contender. */
export interface ContenderEntry {
  /** Ids of its scenarios, as in `SCENARIOS`. */
  readonly scenarios: readonly string[];
  load(): Promise<Contender>;
  /** Undefined: the mesh suffices. `dir` is an empty folder, removed afterwards. */
  start?(durability: Durability, dir: string): Promise<Backing>;
  /** Undefined: nothing needs to be installed. */
  isInstalled?(): Promise<boolean>;
  install?(say: (line: string) => void): Promise<void>;
}
