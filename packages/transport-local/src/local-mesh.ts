import { type Mesh, type Message, Policy, type PolicyRule } from "@adaos/core";
import {
  CLEARANCE,
  deniedError,
  type EventAddress,
  type NodeAddress,
  type ReplyAddress,
  type Timer,
} from "@adaos/core/wire";
import { LocalBroker, type LocalBrokerOptions } from "./local-broker.ts";
import { LocalJournal } from "./local-journal.ts";
import { LocalMarks } from "./local-marks.ts";

/** State that all buses of one node in a process share. */
export interface LocalNode {
  readonly journal: LocalJournal;
  readonly marks: LocalMarks;
}

/**
 * All subnets of a mesh within one process, connected as by a root: an exported event goes to each importing subnet at
 * once. Opens nothing and needs no closing.
 */
export class LocalMesh {
  readonly #policy: Policy;
  readonly #brokers = new Map<string, LocalBroker>();
  readonly #nodes = new Map<string, LocalNode>();

  /**
   * @param rules The mesh's compiled policy.
   * @param options Options of every subnet's broker. Throws `usage`.
   */
  constructor(
    mesh: Mesh,
    rules: readonly PolicyRule[],
    options: Omit<LocalBrokerOptions, "subnet" | "uplink"> = {},
  ) {
    this.#policy = new Policy(rules);
    const assertTimer = ({ subnet, node }: NodeAddress, { name, version }: Timer["event"]): void => {
      const decision = this.#policy.decide({ verb: "publish", subnet, node }, name, version);
      if (!decision.allowed) throw deniedError(decision);
    };
    for (const [subnet, { tenant }] of mesh.subnets) {
      const uplink = {
        forward: (message: Message, address: EventAddress) => this.#forward(message, address),
        reply: (message: Message, address: ReplyAddress) => this.#reply(message, address),
        isAnswered: (address: EventAddress) => this.#isAnswered(address),
      };
      this.#brokers.set(subnet, new LocalBroker({ tenant, assertTimer, ...options, subnet, uplink }));
    }
  }

  /** The broker of a subnet; undefined when the mesh has no such subnet. */
  broker(subnet: string): LocalBroker | undefined {
    return this.#brokers.get(subnet);
  }

  node(subnet: string, name: string): LocalNode {
    const id = `${subnet}/${name}`;
    const node = this.#nodes.get(id) ?? {
      journal: new LocalJournal(),
      marks: new LocalMarks(),
    };
    this.#nodes.set(id, node);
    return node;
  }

  #forward(message: Message, address: EventAddress): void {
    for (const broker of this.#importers(address)) broker.take(message, address);
  }

  /** A reply passes where its command may pass the other way. */
  #reply(message: Message, { requester, responder, name, version }: ReplyAddress): void {
    const mayLeave = this.#policy.decide({ verb: "export", subnet: requester.subnet }, name, version).allowed;
    const entering = { verb: "import", subnet: responder.subnet, from: requester.subnet } as const;
    const mayEnter = this.#policy.decide(entering, name, version).allowed;
    if (mayLeave && mayEnter) this.#brokers.get(requester.subnet)?.deliverReply(message);
  }

  /** Throws `denied` when the subnet is not cleared for the reply. */
  #isAnswered(address: EventAddress): boolean {
    const { subnet, name, version } = address;
    const decision = this.#policy.decide({ verb: "export", subnet }, name, version);
    if (!decision.allowed && decision.rule === CLEARANCE) throw deniedError(decision);
    return this.#importers(address).some((broker) => broker.answers(address));
  }

  #importers({ subnet, name, version }: EventAddress): LocalBroker[] {
    if (!this.#policy.decide({ verb: "export", subnet }, name, version).allowed) return [];
    return [...this.#brokers.values()].filter(
      (broker) =>
        broker.subnet !== subnet &&
        this.#policy.decide({ verb: "import", subnet: broker.subnet, from: subnet }, name, version).allowed,
    );
  }
}
