import { formatEventRef } from "../language/event-name.ts";
import type { EventContract, Logger } from "../transport.ts";

/** The writer or reader of a deprecated event, where known. */
export interface DeprecatedUse {
  /** The `source` of its envelope. */
  readonly writer?: string;
  /** The durable that receives it. */
  readonly reader?: string;
}

/** Limit of counted events. Each counts once, and the registry is bounded too. */
const MAX_EVENTS = 1000;

/** Warns of a deprecated event once for each node and way of using it, and counts all uses. */
export class Deprecations {
  readonly #node: string;
  readonly #log: Logger;
  readonly #counts = new Map<string, number>();
  readonly #told = new Set<string>();

  constructor(node: string, log: Logger) {
    this.#node = node;
    this.#log = log;
  }

  /** Publishes and deliveries of each event here, by `name@major`. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Does nothing for an event that is not deprecated. */
  note(contract: EventContract, { writer, reader }: DeprecatedUse): void {
    if (contract.deprecated === undefined) return;
    const event = formatEventRef(contract.name, contract.version);
    if (!this.#counts.has(event) && this.#counts.size >= MAX_EVENTS) return;
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + 1);
    const way = `${event} ${reader === undefined ? "written" : "read"}`;
    if (this.#told.has(way)) return;
    this.#told.add(way);
    const { producers, consumers } = contract.deprecated;
    const used = { event, node: this.#node, writer, reader, producers, consumers };
    this.#log.warn(used, "deprecated event in use");
  }
}
