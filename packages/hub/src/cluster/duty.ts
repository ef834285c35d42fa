import { type Logger, MeshError } from "@adaos/core";
import { delay, type Figure } from "@adaos/core/wire";
import type { Part, PartHealth, Progress } from "@adaos/daemon";
import type { Follower } from "./follower.ts";
import { Lease, type LeaseOptions } from "./lease.ts";

/** The parts by which a daemon serves the subnet, from its turn to the next daemon's. */
export interface Service {
  /** In the order of their start; they stop in reverse. */
  readonly parts: readonly Part[];
  close(): Promise<void>;
}

export interface DutyOptions<S extends Service> extends Omit<LeaseOptions, "onHeld" | "onLost"> {
  /** Rejects when the signal aborts. */
  readonly open: (signal: AbortSignal) => Promise<S>;
  readonly follower: Follower;
}

const RETRY_MS = 2000;
/** A daemon whose services have not started after this long, on a full disk for example, lets another one try. */
const GIVE_UP_MS = 45_000;

/**
 * Runs the services of a hub in one of its daemons at a time: in the one that holds the lease. The others follow it and
 * stand by.
 */
export class Duty<S extends Service> implements Part {
  readonly name = "duty";
  readonly #options: DutyOptions<S>;
  readonly #log: Logger;
  readonly #lease: Lease;
  #turn = new AbortController();
  #turning: Promise<void> = Promise.resolve();
  #service: S | undefined;
  #started: Part[] = [];
  #trouble: string | undefined;
  #isStopped = false;

  constructor(options: DutyOptions<S>) {
    this.#options = options;
    this.#log = options.log;
    this.#lease = new Lease({
      ...options,
      onHeld: () => this.#begin(),
      onLost: () => this.#end(),
    });
  }

  /** The service of this daemon, while it is its turn and everything has started. */
  get service(): S | undefined {
    return this.#service;
  }

  async start(): Promise<void> {
    this.#options.follower.start();
    this.#lease.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#turn.abort();
    await this.#turning;
    await this.#close();
    await this.#options.follower.stop();
    // Last: the next daemon begins as soon as it has the lease.
    await this.#lease.stop();
  }

  parts(): readonly Part[] {
    return this.#started;
  }

  figures(): readonly Figure[] {
    return this.#started.flatMap((part) => part.figures?.() ?? []);
  }

  progress(): Progress {
    return this.#lease.progress;
  }

  health(): PartHealth {
    const { holder, trouble, isHeld } = this.#lease;
    const details = { holder: holder ?? null };
    if (isHeld) {
      if (this.#trouble !== undefined) return { ready: false, reason: this.#trouble, details };
      if (this.#service === undefined) return { ready: false, reason: "begins to serve the subnet", details };
      return { ready: true, note: "serves the subnet", details };
    }
    if (trouble !== undefined) return { ready: false, reason: trouble, details };
    if (holder === undefined) return { ready: false, reason: "no daemon serves the subnet yet", details };
    return { ready: true, note: `stands by for ${holder}`, details };
  }

  #begin(): void {
    if (this.#isStopped) return;
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    this.#turning = this.#turning.then(() => this.#serve(signal));
  }

  #end(): void {
    this.#turn.abort();
    this.#turning = this.#turning.then(async () => {
      await this.#close();
      if (!this.#isStopped) this.#options.follower.start();
    });
  }

  /** Begins to serve the subnet, again and again until it works or another daemon's turn comes. Never rejects. */
  async #serve(signal: AbortSignal): Promise<void> {
    await this.#options.follower.stop();
    const late = setTimeout(() => this.#lease.handOver(), GIVE_UP_MS);
    try {
      await this.#serveAtLast(signal);
    } finally {
      clearTimeout(late);
    }
  }

  async #serveAtLast(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const service = await this.#options.open(signal);
        this.#service = service;
        for (const part of service.parts) {
          if (signal.aborted) return;
          await part.start(signal);
          this.#started.push(part);
          this.#log.info({ part: part.name }, "part started");
        }
        this.#trouble = undefined;
        return;
      } catch (thrown) {
        const error = MeshError.from(thrown, "unavailable", "the services of the hub cannot start");
        this.#log.error({ err: error }, "hub does not serve the subnet yet");
        this.#trouble = error.message;
        await this.#close();
        await delay(RETRY_MS, signal);
      }
    }
  }

  async #close(): Promise<void> {
    const service = this.#service;
    this.#service = undefined;
    this.#started = [];
    if (service === undefined) return;
    for (const part of [...service.parts].reverse()) {
      try {
        await part.stop();
      } catch (err) {
        this.#log.error({ part: part.name, err }, "part not stopped");
      }
    }
    await service.close();
  }
}
