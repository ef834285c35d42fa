import type { Durability } from "@adaos/core/wire";

/** Where one run of a contender takes place. Plain data: it is handed to the worker processes. */
export interface Place {
  /** Names what is sent in this run, a subject or a queue for example: `a-z`, `0-9` and `-`. No other run has it. */
  readonly run: string;
  /** Names the receiver within the run: receivers of different names get every text each. Spelled like `run`. */
  readonly receiver: string;
  /** The sending subnet. */
  readonly from: string;
  /** The receiving subnet; the same as `from` where nothing leaves it. */
  readonly to: string;
  /** State folder of the mesh. */
  readonly state: string;
  /** The mesh's servers, by subnet; the root's under `root`. */
  readonly servers: Readonly<Record<string, ServerAccess>>;
  /** What the contender's {@link Backing} has handed over; `undefined` without one. */
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

/** One way of getting texts from a sender to a handler; runs in the worker processes. */
export interface Contender {
  /** One line, with its durability settings. */
  readonly what: string;
  /** What is sent is stored whether or not a receiver has been opened yet. */
  openSender(place: Place): Promise<Sender>;
  /**
   * Hands every text of the run to `onText` once, and settles it. Resolves when it is ready for the first. What is sent
   * after a receiver was first opened, and while it is closed, is kept for it.
   */
  openReceiver(place: Place, onText: (text: string) => void): Promise<() => Promise<void>>;
  /** Where it has requests. */
  openRequester?(place: Place): Promise<Requester>;
  openResponder?(place: Place, answer: (text: string) => string): Promise<() => Promise<void>>;
  /** Removes what a run has left behind, so that no later one pays for it. Called for each receiver. */
  tidy?(place: Place): Promise<void>;
}

/** What a contender needs to be running besides the mesh: started and stopped by the main process. */
export interface Backing {
  /** JSON, handed to the workers in {@link Place.settings}. */
  readonly settings: unknown;
  /** What was started, and its clients: name to version. */
  readonly versions: Readonly<Record<string, string>>;
  /** Works after a failed run too. */
  stop(): Promise<void>;
}

/** How the benchmark comes by a contender. */
export interface ContenderEntry {
  /** Ids of the scenarios that it takes part in, as in `SCENARIOS`. */
  readonly scenarios: readonly string[];
  load(): Promise<Contender>;
  /** Not given: the mesh is all that it needs. `dir` is an empty folder, removed afterwards. */
  start?(durability: Durability, dir: string): Promise<Backing>;
  /** Not given: nothing needs to be installed. */
  isInstalled?(): Promise<boolean>;
  install?(say: (line: string) => void): Promise<void>;
}
