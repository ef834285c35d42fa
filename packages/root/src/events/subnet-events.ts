import { type Logger, MeshError, type Message } from "@adaos/core";
import { type DaemonEvent, daemonEventId, daemonMessage, type Signatures } from "@adaos/core/wire";
import { OwnEvents } from "@adaos/daemon";
import type { Subnets } from "../subnets.ts";

export interface SubnetEventsOptions {
  readonly subnets: Subnets;
  readonly signatures: Signatures;
  /** As {@link OwnEvents}. */
  readonly mayPublish: (name: string) => boolean | undefined;
  /** Stores an event in the stream of a subnet. */
  readonly publish: (subnet: string, message: Message) => Promise<void>;
  readonly log: Logger;
}

/** Publishes the root's own events in the streams of subnets. A hub that is away delays no other subnet's events. */
export class SubnetEvents {
  readonly #options: SubnetEventsOptions;
  readonly #bySubnet = new Map<string, OwnEvents>();

  constructor(options: SubnetEventsOptions) {
    this.#options = options;
  }

  /** Publishes an event in one subnet, for its operator. */
  add(subnet: string, event: DaemonEvent): void {
    const events = this.#bySubnet.get(subnet) ?? this.#open(subnet);
    this.#bySubnet.set(subnet, events);
    events.add(event);
  }

  /**
   * Publishes an event in every subnet that there is now.
   * @param atMs The time of the event: each copy has an id of its own.
   */
  addEverywhere(event: DaemonEvent, atMs: number): void {
    for (const subnet of this.#options.subnets.names())
      this.add(subnet, { ...event, id: daemonEventId(atMs, event.id, subnet) });
  }

  /** Later events are dropped. */
  async stop(): Promise<void> {
    await Promise.all([...this.#bySubnet.values()].map((events) => events.stop()));
  }

  #open(subnet: string): OwnEvents {
    const { subnets, signatures, publish, mayPublish, log } = this.#options;
    return new OwnEvents({
      publish: async (event) => {
        const tenant = subnets.tenants.get(subnet);
        if (tenant === undefined) throw new MeshError("closed", `the mesh has no subnet ${subnet} any more`);
        await publish(
          subnet,
          daemonMessage({ address: { subnet, node: "root" }, tenant, signatures }, event),
        );
      },
      mayPublish,
      log,
    });
  }
}
