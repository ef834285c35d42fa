import { type EventContract, formatEventRef, MeshError, type SchemaRegistry } from "@adaos/core";
import { assertContract } from "@adaos/core/wire";
import type { NoEvent, PublishedEvent } from "../stored/published-past.ts";

/** One way in which stored events break a registry. */
export interface PastFailure {
  readonly subnet: string;
  /** `ui.notify@1`; empty where the message is no event. */
  readonly event: string;
  readonly code: string;
  readonly problem: string;
  count: number;
  /** Where the first of them lies in the subnet's stream. */
  readonly first_seq: number;
}

/** Different failures that are kept apart; the rest is counted together. */
const MAX_KINDS = 1000;
const MAX_PROBLEM = 300;

/** Counts how many stored events a registry would refuse, as who receives them judges. Does no I/O. */
export class PastFailures {
  readonly #registry: SchemaRegistry;
  readonly #kinds = new Map<string, PastFailure>();
  #checked = 0;
  #failed = 0;

  constructor(registry: SchemaRegistry) {
    this.#registry = registry;
  }

  get checked(): number {
    return this.#checked;
  }

  get failed(): number {
    return this.#failed;
  }

  /** The kinds of failures, by subnet, then by place. */
  get kinds(): readonly PastFailure[] {
    const order = (a: PastFailure, b: PastFailure): number =>
      a.subnet === b.subnet ? a.first_seq - b.first_seq : a.subnet < b.subnet ? -1 : 1;
    return [...this.#kinds.values()].sort(order);
  }

  add(subnet: string, stored: PublishedEvent | NoEvent): void {
    this.#checked++;
    const error = "problem" in stored ? stored.problem : this.#judge(stored);
    if (error === undefined) return;
    this.#failed++;
    const event =
      "problem" in stored ? "" : formatEventRef(stored.envelope.event_name, stored.envelope.version);
    const [violation] = error.violations;
    // Without what the one event says: a thousand of a kind are one line.
    const problem =
      violation === undefined
        ? error.message.slice(0, MAX_PROBLEM)
        : `${violation.pointer.replaceAll(/\/\d+(?=\/|$)/g, "/*") || "the data"} ${violation.expected}`;
    const key =
      this.#kinds.size < MAX_KINDS ? [subnet, event, error.code, problem] : [subnet, "", "", "other"];
    const id = JSON.stringify(key);
    const kind = this.#kinds.get(id);
    if (kind !== undefined) kind.count++;
    else {
      const [, ofEvent = "", code = "", told = ""] = key;
      this.#kinds.set(id, { subnet, event: ofEvent, code, problem: told, count: 1, first_seq: stored.seq });
    }
  }

  #judge({ address, envelope }: PublishedEvent): MeshError | undefined {
    try {
      const contract: EventContract = this.#registry.resolve(address.name, address.version);
      assertContract(contract, envelope, "validateReceived");
      return undefined;
    } catch (thrown) {
      return MeshError.from(thrown, "internal", "it cannot be judged");
    }
  }
}
