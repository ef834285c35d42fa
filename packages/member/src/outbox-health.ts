import type { Bus } from "@adaos/core";
import type { Figure } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";

/** Shows the events in this member's outbox. The bus owns the outbox. */
export class OutboxHealth implements Part {
  readonly name = "outbox";
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  health(): PartHealth {
    const { outbox } = this.#bus;
    return outbox === undefined ? { ready: true } : { ready: true, details: { ...outbox } };
  }

  figures(): readonly Figure[] {
    const { outbox } = this.#bus;
    if (outbox === undefined) return [];
    return [
      { metric: "outboxEvents", value: outbox.waiting },
      { metric: "outboxBytes", value: outbox.bytes },
      { metric: "outboxRefused", value: outbox.refused },
    ];
  }
}
