import { type Logger, MeshError, type Metrics } from "@adaos/core";
import { delay, messageOf, within } from "@adaos/core/wire";
import type { ProbeConnection } from "../drivers/driver.ts";
import { openProbe } from "../drivers/open-probe.ts";
import {
  DatabaseConnectionEstablished,
  DatabaseConnectionFailed,
  DatabaseHealthCheckCompleted,
} from "../events/database-events.ts";
import type { DomainEvent } from "../events/domain-event.ts";
import { errorWithoutSecrets, secretsIn } from "../secrets.ts";
import { EventOutbox, type PublishEvent } from "./event-outbox.ts";
import { limited } from "./limited.ts";
import type { Probe, ProbeHealth } from "./probe.ts";
import type { ResolvedProbe } from "./probe-options.ts";
import { decideLook, type Look, NEVER_LOOKED, type ProbeChange, type ProbeState } from "./probe-state.ts";

export interface RunnerOptions {
  readonly name: string;
  readonly probe: ResolvedProbe;
  readonly publish: PublishEvent;
  readonly log: Logger;
  /** Not given: looks are not counted. */
  readonly metrics?: Metrics | undefined;
  /** The label `app` of its log lines. */
  readonly app: string;
  readonly onStopped?: () => void;
  /** @default Math.random */
  readonly random?: () => number;
}

const JITTER = 0.1;
/** A driver that is closed ends what it has begun; one that does not is left to itself. */
const CLOSE_MS = 1000;

/** Looks at one place until it is stopped: one look at a time, each limited, and never two connections. */
export class ProbeRunner implements Probe {
  readonly name: string;
  readonly #options: RunnerOptions;
  readonly #outbox: EventOutbox;
  readonly #stopped = new AbortController();
  #state: ProbeState = NEVER_LOOKED;
  #connection: ProbeConnection | undefined;
  #looking: Promise<void> | undefined;
  /** A requested look, which may not have begun yet. */
  #retrying: Promise<void> | undefined;
  /** A call to a driver that went on after its time was up. */
  #hanging: Promise<unknown> | undefined;
  #secrets: readonly string[] = [];
  #running: Promise<void> | undefined;

  constructor(options: RunnerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#outbox = new EventOutbox(options.publish, options.log);
  }

  /**
   * Resolves after the first look; from then on it looks by itself. Rejects with `invalid-config` when it cannot look
   * at all, and with `unavailable` when there is no connection and the options want it to fail fast.
   */
  async start(): Promise<void> {
    // An error in the options goes to the caller; it is not a failure of the probed resource.
    this.#connection = this.#open();
    await this.#look(false);
    const { failure } = this.#state;
    if (failure !== undefined && this.#options.probe.failFast) {
      await this.stop();
      throw new MeshError("unavailable", `probe ${this.name}: ${failure}`);
    }
    this.#running = this.#run();
  }

  health(): ProbeHealth {
    const { app, probe } = this.#options;
    const { type, environment, intervalMs } = probe;
    const { connection, status, sinceMs, latencyMs, lookedAtMs, failure, retryCount } = this.#state;
    return {
      probe: this.name,
      environment,
      database_type: type,
      app,
      interval_ms: intervalMs,
      connection,
      status: status ?? null,
      is_healthy: status === "healthy",
      requires_alert: status !== undefined && status !== "healthy",
      latency_ms: latencyMs ?? null,
      since: timeOf(sinceMs),
      looked_at: timeOf(lookedAtMs),
      retry_count: retryCount,
      error_message: failure ?? null,
      unpublished: this.#outbox.problem ?? null,
    };
  }

  async look(): Promise<ProbeHealth> {
    if (this.#stopped.signal.aborted) throw new MeshError("closed", `the probe ${this.name} was stopped`);
    this.#retrying ??= this.#lookAgain().finally(() => {
      this.#retrying = undefined;
    });
    await this.#retrying;
    return this.health();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#running, this.#retrying, this.#looking]);
    await this.#close();
    await this.#outbox.close();
    this.#options.onStopped?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { probe, random = Math.random } = this.#options;
    while (!signal.aborted) {
      // Probes of many members of one database should not ask it at the same moment.
      await delay(probe.intervalMs * (1 + JITTER * (2 * random() - 1)), signal);
      if (!signal.aborted) await (this.#looking ?? this.#look(false));
    }
  }

  /** Its failure counts as a retry, which that of a look under way would not. */
  async #lookAgain(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking;
    if (!this.#stopped.signal.aborted) await this.#look(true);
  }

  #look(isRetry: boolean): Promise<void> {
    this.#looking = this.#lookOnce(isRetry).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(isRetry: boolean): Promise<void> {
    let startMs = performance.now();
    let failure: Error | undefined;
    try {
      if (this.#hanging !== undefined) throw new MeshError("timeout", "the look before has not ended yet");
      if (this.#state.connection !== "established") await this.#connect();
      startMs = performance.now();
      await this.#limited(async () => this.#connection?.ask());
    } catch (thrown) {
      if (this.#stopped.signal.aborted) return;
      failure = errorWithoutSecrets(thrown, this.#secrets);
      await this.#close();
    }
    this.#note(performance.now() - startMs, failure, isRetry);
  }

  async #connect(): Promise<void> {
    this.#connection ??= this.#open();
    const connection = this.#connection;
    await this.#limited(async () => connection.connect());
  }

  #open(): ProbeConnection {
    const { probe } = this.#options;
    if (probe.open !== undefined) return probe.open();
    const url = probe.readUrl?.() ?? "";
    this.#secrets = secretsIn(url);
    return openProbe(this.name, probe.type, { url, timeoutMs: probe.timeoutMs })();
  }

  /** A connection that the program supplies may throw at once, or return no promise. */
  async #limited(call: () => Promise<void>): Promise<void> {
    const { timeoutMs } = this.#options.probe;
    const action = call();
    try {
      await limited(action, timeoutMs, this.#stopped.signal);
    } catch (thrown) {
      // The call may go on although the probe has stopped waiting. No other look begins before it has ended.
      const done = (): void => {
        if (this.#hanging === hanging) this.#hanging = undefined;
      };
      const hanging = action.then(done, done);
      this.#hanging = hanging;
      throw thrown;
    }
  }

  async #close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    try {
      await within(Promise.resolve(connection?.close()), CLOSE_MS);
    } catch (thrown) {
      this.#options.log.debug({ probe: this.name, reason: messageOf(thrown) }, "probe connection not closed");
    }
    if (this.#hanging !== undefined) await within(this.#hanging, CLOSE_MS);
  }

  #note(latencyMs: number, failure: Error | undefined, isRetry: boolean): void {
    const { probe, metrics } = this.#options;
    const look: Look = {
      atMs: Date.now(),
      latencyMs: Math.round(latencyMs * 1000) / 1000,
      isRetry,
      ...(failure === undefined ? {} : { failure: failure.message || failure.name }),
    };
    const { state, changes } = decideLook(this.#state, look, probe);
    this.#state = state;
    const labels = [this.name, probe.environment, probe.type];
    metrics?.count("probeLooks", [...labels, failure === undefined ? (state.status ?? "") : "failed"]);
    if (failure === undefined) metrics?.observe("probeMs", latencyMs, labels);
    for (const change of changes) {
      this.#tell(change, failure);
      this.#outbox.add(this.#eventOf(change, look));
    }
    if (changes.length === 0 && this.#outbox.problem !== undefined) this.#outbox.send();
  }

  #tell(change: ProbeChange, failure: Error | undefined): void {
    const { log, app, probe } = this.#options;
    const { environment, type: database_type, connectionPoolSize } = probe;
    const about = { app, probe: this.name, environment, database_type };
    if (change.kind === "established")
      log.info({ ...about, connection_pool_size: connectionPoolSize }, "Database connection established");
    else if (change.kind === "failed")
      log.error({ ...about, retry_count: change.retryCount, err: failure }, "Database connection failed");
    else {
      const { status } = change;
      const line = { ...about, status, latency_ms: this.#state.latencyMs };
      if (status === "healthy") log.info(line, "Database health changed");
      else log.warn(line, "Database health changed");
    }
  }

  #eventOf(change: ProbeChange, { atMs, latencyMs, failure = "" }: Look): DomainEvent {
    const { environment, type: database_type, connectionPoolSize } = this.#options.probe;
    const about = { environment, database_type, probe: this.name, timestamp: new Date(atMs) };
    switch (change.kind) {
      case "established":
        return new DatabaseConnectionEstablished({ ...about, connection_pool_size: connectionPoolSize });
      case "failed":
        return new DatabaseConnectionFailed({
          ...about,
          error_message: failure,
          retry_count: change.retryCount,
        });
      case "health":
        return new DatabaseHealthCheckCompleted({ ...about, status: change.status, latency_ms: latencyMs });
    }
  }
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
