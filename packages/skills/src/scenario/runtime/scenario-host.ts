import {
  type Bus,
  type Envelope,
  type EventPattern,
  type Logger,
  MeshError,
  NonRetryableError,
  parseEventPattern,
  type Subscription,
} from "@adaos/core";
import { type Clock, type Documents, delay, messageOf, minimalPatterns } from "@adaos/core/wire";
import type { Scenario } from "../engine/compile.ts";
import type { ScenarioInput } from "../engine/decide.ts";
import type { Run } from "../engine/state.ts";
import { BusWorld } from "./bus-world.ts";
import { durableOf, patternsOf, patternsOfRun } from "./patterns.ts";
import { Room } from "./room.ts";
import { ScenarioRunner } from "./scenario-runner.ts";

export interface ScenarioHostOptions {
  readonly bus: Pick<Bus, "address" | "publish" | "request" | "subscribe">;
  readonly documents: Documents;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How one scenario stands. */
export interface ScenarioStanding {
  readonly name: string;
  readonly hash: string;
  readonly active: number;
  readonly waiting: number;
  readonly isPaused: boolean;
  /** Why it does not go on, or does not get its events. */
  readonly trouble: string | undefined;
}

interface Hosted {
  readonly runner: ScenarioRunner;
  readonly subscriptions: Map<string, Subscription>;
  readonly refusals: Map<string, string>;
  readonly stopped: AbortController;
  /** Ends the subscriptions of an earlier text. */
  leaving: NodeJS.Timeout | undefined;
}

const RUN_COMMAND = "scenario.run@1";
const RUN_DURABLE = "scenario";
/** Events that a durable has in hand: more make a commit larger, and no other wait. */
const MAX_CONCURRENCY = 100;
/** Of all durables of a scenario: less than it remembers, since all of them come again after a kill. */
const MAX_IN_HAND = 400;
/** An event fails only where its consequences cannot be stored: for more than an hour it is tried again. */
const RETRY = { maxRetries: 100, maxMs: 60_000 };
/** A durable that an earlier process left unsettled gives its events again within seconds. */
const LEAVE_MS = 60_000;
const SUBSCRIBE_RETRY_MS = 2000;

/** Runs the scenarios of one member: gives each its events, its time, and the commands to run. */
export class ScenarioHost {
  readonly #options: ScenarioHostOptions;
  readonly #world: BusWorld;
  readonly #room: Room = new Room();
  readonly #hosted = new Map<string, Hosted>();
  readonly #stopped = new AbortController();
  #unlisten: (() => void) | undefined;
  #commands: Subscription | undefined;
  #commandRefusal: string | undefined;

  constructor(options: ScenarioHostOptions) {
    this.#options = options;
    this.#world = new BusWorld(options.bus, options.log);
  }

  /** Begins to listen for commands and for what operators change. Scenarios are given by {@link replace}. */
  start(): void {
    const { documents } = this.#options;
    this.#unlisten = documents.onChanged((name) => this.#hosted.get(name)?.runner.changed());
    void this.#subscribeCommands();
  }

  /** Runs exactly these from now on. What others have stored stays, and goes on when they come again. */
  async replace(scenarios: readonly Scenario[]): Promise<void> {
    const wanted = new Map(scenarios.map((scenario) => [scenario.name, scenario]));
    const gone = [...this.#hosted].filter(([name]) => !wanted.has(name));
    for (const [name] of gone) this.#hosted.delete(name);
    await Promise.all(gone.map(([, hosted]) => stopOne(hosted)));
    for (const scenario of wanted.values()) {
      const hosted = this.#hosted.get(scenario.name);
      if (hosted === undefined) this.#add(scenario);
      else if (hosted.runner.scenario.hash !== scenario.hash) {
        hosted.runner.replace(scenario);
        this.#subscribe(hosted);
      }
    }
  }

  /** Stops taking events; runs go on where they are when the next process begins. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#unlisten?.();
    await this.#commands?.stop();
    await Promise.all([...this.#hosted.values()].map(stopOne));
  }

  get standings(): readonly ScenarioStanding[] {
    return [...this.#hosted.values()].map(({ runner, refusals }) => ({
      name: runner.scenario.name,
      hash: runner.scenario.hash,
      active: runner.state?.triggers.active.length ?? 0,
      waiting: runner.state?.triggers.waiting.length ?? 0,
      isPaused: runner.state?.triggers.isPaused ?? false,
      trouble: runner.trouble ?? refusals.values().next().value,
    }));
  }

  /** Why commands to run scenarios are not taken. */
  get commandRefusal(): string | undefined {
    return this.#commandRefusal;
  }

  /** The runners, for their counts. */
  get runners(): readonly ScenarioRunner[] {
    return [...this.#hosted.values()].map(({ runner }) => runner);
  }

  #add(scenario: Scenario): void {
    const { bus, documents, clock, log } = this.#options;
    const owner = `${bus.address.subnet}/${bus.address.node}`;
    const runner = new ScenarioRunner(scenario, {
      owner,
      documents,
      world: this.#world,
      clock,
      log,
      room: this.#room,
      // Runs that began with an earlier text may wait for events of their own.
      onRead: () => this.#subscribe(hosted),
    });
    const hosted: Hosted = {
      runner,
      subscriptions: new Map(),
      refusals: new Map(),
      stopped: new AbortController(),
      leaving: undefined,
    };
    this.#hosted.set(scenario.name, hosted);
    runner.start();
    this.#subscribe(hosted);
  }

  /**
   * Subscribes to what the scenario needs now. Runs of an earlier text still wait for their events. Durables of an
   * earlier text are kept for a while: they hold events that came before the new ones began.
   */
  #subscribe(hosted: Hosted): void {
    const { runner, subscriptions } = hosted;
    const runs = Object.values(runner.state?.runs ?? {});
    const wanted = minimalPatterns([...patternsOf(runner.scenario), ...runs.flatMap(patternsOfRun)]);
    const texts = wanted.map(({ text }) => text);
    const leaving = runner.patterns.filter((text) => !texts.includes(text));
    const patterns = [...wanted, ...leaving.map((text) => parseEventPattern(text))];
    if (runner.state !== undefined) runner.keepPatterns([...texts, ...leaving]);
    this.#leaveLater(hosted, leaving);
    const names = new Map(patterns.map((pattern) => [durableOf(runner.scenario.name, pattern), pattern]));
    for (const [durable, subscription] of subscriptions) {
      if (names.has(durable)) continue;
      subscriptions.delete(durable);
      subscription.stop().catch((err: unknown) => this.#options.log.warn({ durable, err }, "not stopped"));
    }
    const maxConcurrency = Math.max(1, Math.min(MAX_CONCURRENCY, Math.floor(MAX_IN_HAND / names.size)));
    for (const [durable, pattern] of names)
      if (!subscriptions.has(durable)) void this.#subscribeTo(hosted, durable, pattern, maxConcurrency);
  }

  #leaveLater(hosted: Hosted, leaving: readonly string[]): void {
    clearTimeout(hosted.leaving);
    if (leaving.length === 0) return;
    hosted.leaving = setTimeout(() => {
      if (hosted.stopped.signal.aborted || hosted.runner.state === undefined) return;
      hosted.runner.keepPatterns(hosted.runner.patterns.filter((text) => !leaving.includes(text)));
      this.#subscribe(hosted);
    }, LEAVE_MS);
    hosted.leaving.unref();
  }

  async #subscribeTo(
    hosted: Hosted,
    durable: string,
    pattern: EventPattern,
    maxConcurrency: number,
  ): Promise<void> {
    const { bus, log } = this.#options;
    const { runner, subscriptions, refusals, stopped } = hosted;
    while (!stopped.signal.aborted && !this.#stopped.signal.aborted) {
      try {
        const subscription = await bus.subscribe(
          pattern.text,
          { durable, maxConcurrency, answers: false, retry: RETRY },
          (event) => this.#handle(runner, { kind: "event", event }),
        );
        refusals.delete(durable);
        if (stopped.signal.aborted) return await subscription.stop();
        subscriptions.set(durable, subscription);
        return;
      } catch (thrown) {
        const reason = `${pattern.text}: ${messageOf(thrown)}`;
        if (refusals.get(durable) !== reason)
          log.warn({ scenario: runner.scenario.name, reason }, "scenario does not get its events");
        refusals.set(durable, reason);
        await delay(SUBSCRIBE_RETRY_MS, stopped.signal);
      }
    }
  }

  async #subscribeCommands(): Promise<void> {
    const { bus } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const subscription = await bus.subscribe(
          RUN_COMMAND,
          { durable: RUN_DURABLE, maxConcurrency: MAX_CONCURRENCY, retry: RETRY },
          (event) => this.#onCommand(event),
        );
        this.#commandRefusal = undefined;
        if (signal.aborted) return await subscription.stop();
        this.#commands = subscription;
        return;
      } catch (thrown) {
        this.#commandRefusal = messageOf(thrown);
        await delay(SUBSCRIBE_RETRY_MS, signal);
      }
    }
  }

  async #onCommand(event: Envelope): Promise<void> {
    const { name, args } = event.data as { readonly name: string; readonly args?: unknown };
    const hosted = this.#hosted.get(name);
    // Another member may have it.
    if (hosted === undefined)
      return this.#options.log.info({ scenario: name }, "no scenario of this name here");
    await this.#handle(hosted.runner, { kind: "run", event, data: args ?? {} });
  }

  /** Resolves once the event's consequences are stored. A ring of scenarios ends as a dead letter, which shows it. */
  async #handle(runner: ScenarioRunner, input: ScenarioInput): Promise<void> {
    const ended = await runner.take(input);
    const loop = ended.find(({ outcome }) => outcome === "loop");
    if (loop !== undefined) throw new NonRetryableError(loopText(loop));
  }
}

function loopText({ scenario, reason = "" }: Run): string {
  return `scenario ${scenario} was not run: ${reason}`;
}

async function stopOne({ runner, subscriptions, stopped, leaving }: Hosted): Promise<void> {
  clearTimeout(leaving);
  stopped.abort(new MeshError("closed", "the scenario was removed"));
  await runner.stop();
  await Promise.all([...subscriptions.values()].map((subscription) => subscription.stop()));
}
