import { type Logger, MeshError, type Metrics } from "@adaos/core";
import type { PublishEvent } from "./runner/event-outbox.ts";
import type { Probe, ProbeHealth } from "./runner/probe.ts";
import { type ProbeOptions, resolveProbe } from "./runner/probe-options.ts";
import { ProbeRunner } from "./runner/probe-runner.ts";

/** The maximum of probes of one bus. */
const MAX_PROBES = 1000;

interface Running {
  readonly options: ProbeOptions;
  readonly runner: ProbeRunner;
  readonly started: Promise<void>;
}

export interface ProbesOptions {
  readonly publish: PublishEvent;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  readonly app: string;
}

/** The probes of one bus by their names. */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #running = new Map<string, Running>();
  #isStopped = false;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#running.size;
  }

  health(): readonly ProbeHealth[] {
    return [...this.#running.values()].map(({ runner }) => runner.health());
  }

  /**
   * Starts a probe, and resolves after its first look. Asked for again with the same options, the one that runs is
   * meant. Rejects with `usage`, `invalid-config`, `closed`, or `unavailable` where the options want that.
   */
  async start(name: string, options: ProbeOptions): Promise<Probe> {
    if (this.#isStopped) throw new MeshError("closed", "the bus is closed; connect again");
    const known = this.#running.get(name);
    if (known !== undefined && !isSame(known.options, options))
      throw new MeshError("usage", `a probe ${name} runs already, with other options; stop it first`);
    const running = known ?? this.#begin(name, options);
    await running.started;
    return running.runner;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running.values()].map(({ runner }) => runner.stop()));
  }

  #begin(name: string, options: ProbeOptions): Running {
    const probe = resolveProbe(name, options);
    if (this.#running.size >= MAX_PROBES)
      throw new MeshError("backpressure", `a bus runs at most ${MAX_PROBES} probes`);
    const onStopped = (): void => this.#forget(name, runner);
    const runner = new ProbeRunner({ ...this.#options, name, probe, onStopped });
    const started = runner.start().catch(async (thrown: unknown) => {
      await runner.stop();
      throw thrown;
    });
    // The caller that asked for the probe gets the error.
    started.catch(() => undefined);
    const running = { options, runner, started };
    this.#running.set(name, running);
    return running;
  }

  #forget(name: string, runner: ProbeRunner): void {
    if (this.#running.get(name)?.runner === runner) this.#running.delete(name);
  }
}

function isSame(a: ProbeOptions, b: ProbeOptions): boolean {
  return a.open === b.open && JSON.stringify(a) === JSON.stringify(b);
}
