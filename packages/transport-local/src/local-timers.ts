import { MeshError, type TimerInfo, type Timers } from "@adaos/core";
import {
  assertTimer,
  type Clock,
  formatSubject,
  type NodeAddress,
  parseSubject,
  type Timer,
  type TimerDefinition,
  TimerRunner,
  timerInfo,
  timerMessage,
} from "@adaos/core/wire";
import type { LocalBroker } from "./local-broker.ts";

export interface LocalTimersOptions {
  readonly clock: Clock;
  readonly tenant: string;
  /** Throws `denied` where policy does not let the node publish the event. */
  readonly assertAllowed: (owner: NodeAddress, event: Timer["event"]) => void;
}

const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** The timers of one subnet in this process. They end with it. */
export class LocalTimers {
  readonly #broker: LocalBroker;
  readonly #options: LocalTimersOptions;
  readonly #runner: TimerRunner;
  /** Places of the last events, by their ids. */
  readonly #seqs = new Map<string, number>();

  constructor(broker: LocalBroker, options: LocalTimersOptions) {
    this.#broker = broker;
    this.#options = options;
    this.#runner = new TimerRunner({
      clock: options.clock,
      log: SILENT,
      publish: async (timer, fire) => {
        options.assertAllowed(timer.owner, timer.event);
        const message = timerMessage(
          { tenant: options.tenant, signatures: undefined },
          timer,
          fire,
          options.clock.now(),
        );
        const { seq } = broker.store(timer.owner.node, message);
        if (timer.overlap !== "allow") this.#seqs.set(keyOf(timer), seq);
      },
      isRunning: async (timer) => {
        const { owner, event } = timer;
        const address = parseSubject(formatSubject({ ...owner, name: event.name, version: event.version }));
        return broker.isUnsettled(address, this.#seqs.get(keyOf(timer)) ?? 0);
      },
      keep: async () => undefined,
      keepState: async () => undefined,
      forget: async (timer) => void this.#seqs.delete(keyOf(timer)),
    });
  }

  /** Those of one node. */
  of(node: string): Timers {
    const info = ({ timer, state }: Parameters<typeof timerInfo>[0]): TimerInfo =>
      timerInfo({ timer, state });
    return {
      put: async (definition: TimerDefinition) => {
        assertTimer(definition);
        const owner = { subnet: this.#broker.subnet, node };
        this.#options.assertAllowed(owner, definition.event);
        this.#assertOwn(node, definition.name);
        return info(await this.#runner.put({ ...definition, owner, isDeclared: false }));
      },
      list: async () =>
        this.#runner
          .list()
          .filter(({ timer }) => timer.owner.node === node)
          .map(info),
      remove: async (name) => {
        this.#assertOwn(node, name);
        return this.#runner.remove(node, name);
      },
      pause: async (name) => info(await this.#runner.pause(node, name)),
      resume: async (name) => info(await this.#runner.resume(node, name)),
      trigger: (name) => this.#runner.trigger(node, name),
    };
  }

  /** What the mesh file says is changed there. */
  #assertOwn(node: string, name: string): void {
    if (this.#runner.get(node, name)?.timer.isDeclared !== true) return;
    throw new MeshError("usage", `timer ${name} of ${node} is in the mesh file; change it there`);
  }

  /** Timers of the mesh file. Throws `denied` or `usage`. */
  async declare(node: string, definition: TimerDefinition): Promise<void> {
    assertTimer(definition);
    await this.#runner.put({ ...definition, owner: { subnet: this.#broker.subnet, node }, isDeclared: true });
  }
}

function keyOf({ owner, name }: Timer): string {
  return `${owner.node}/${name}`;
}

function silent(): void {
  // Whoever wants to know asks for the timer.
}
