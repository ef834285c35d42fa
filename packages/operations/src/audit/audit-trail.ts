import { readNodeFile } from "@adaos/config";
import { MeshError, newEventId } from "@adaos/core";
import { daemonMessage, messageOf, ROOT_DOMAIN } from "@adaos/core/wire";
import { findLayout, type Layout } from "@adaos/provision";
import { StreamPublisher } from "@adaos/transport-nats";
import { type OpenServer, withAnswering } from "../hubs.ts";
import { operatorSignatures } from "../operator-signatures.ts";
import { type AuditEnd, AuditFile, type BegunLine, type KeptAct, thisProcess } from "./audit-file.ts";
import { AUDIT_RECORDED, type AuditedAct, actor, auditText } from "./audit-record.ts";

/** Takes how many an act was done to, and how many it could not be done to; the last call counts. */
export type Tally = (count: number, failed?: number) => void;

/** Acts that are brought to the hubs at a time; more wait for the next act. */
const MAX_FORWARDED = 500;
const PUBLISH_MS = 3000;

/** The result of forwarding acts that hubs had not stored yet. */
export interface Forwarded {
  readonly stored: number;
  /** Subnets that have not taken all, and why. */
  readonly waiting: ReadonlyMap<string, string>;
}

/**
 * Records the acts of operators: on this machine's disk before an act begins, and as an event at the hubs once it has
 * ended. An act that no hub takes stays on disk, and is sent along with the next act.
 */
export class AuditTrail {
  readonly #stateDir: string;
  readonly #file: AuditFile;
  readonly #say: (line: string) => void;
  /** A line of the act could not be written, and the user knows it. */
  #isLost = false;

  /** @param say Called when a record is not at its hubs. */
  constructor(stateDir: string, say: (line: string) => void) {
    this.#stateDir = stateDir;
    this.#file = new AuditFile(stateDir);
    this.#say = say;
  }

  /** Does an act and records it. Resolves and rejects as `work` does, whatever becomes of the record. */
  async record<T>(act: AuditedAct, work: (tally: Tally) => Promise<T>): Promise<T> {
    const id = newEventId(Date.now());
    let [count, failed] = [0, 0];
    this.#keep(begunLine(id, act));
    const end = (outcome: AuditEnd["outcome"], error?: string): Promise<void> => {
      const told = { ...(failed === 0 ? {} : { failed }), ...(error === undefined ? {} : { error }) };
      this.#keep({ line: "ended", id, ended_at: new Date().toISOString(), outcome, count, ...told });
      return this.#forwardAndTell();
    };
    let result: T;
    try {
      result = await work((done, notDone = 0) => {
        [count, failed] = [done, notDone];
      });
    } catch (thrown) {
      await end(count === 0 ? "failed" : "partly", auditText(messageOf(thrown)));
      throw thrown;
    }
    await end(failed === 0 ? "done" : count === 0 ? "failed" : "partly");
    return result;
  }

  /** Brings to the hubs what they have not stored yet. Rejects with `invalid-config`. */
  async forward(): Promise<Forwarded> {
    const layout = findLayout(this.#stateDir);
    if (layout === undefined) return { stored: 0, waiting: new Map() };
    const acts = unstored(this.#file.read(), hubNames(layout)).slice(0, MAX_FORWARDED);
    const wanted = layout.servers.filter(({ of }) => acts.some(({ at }) => at.includes(of)));
    if (wanted.length === 0) return { stored: 0, waiting: new Map() };
    return withAnswering(wanted, async (open, away) => {
      const waiting = new Map(away.map(({ of, reason }) => [of, reason]));
      let stored = 0;
      const storing = open.map(async (hub) => {
        const here = acts.filter(({ at }) => at.includes(hub.of)).map(({ act }) => act);
        try {
          for (const act of here) {
            await storeAt(hub, act, layout);
            this.#file.append({ line: "stored", id: act.record.id, subnet: hub.of });
            stored++;
          }
        } catch (thrown) {
          waiting.set(hub.of, messageOf(thrown));
        }
      });
      await Promise.all(storing);
      return { stored, waiting };
    });
  }

  /** An act is not kept from being done by its record: on a full disk it may be what makes room. */
  #keep(line: Parameters<AuditFile["append"]>[0]): void {
    try {
      this.#file.append(line);
    } catch (thrown) {
      if (!this.#isLost) this.#say(`this is not recorded in ${this.#file.path}: ${messageOf(thrown)}`);
      this.#isLost = true;
    }
  }

  async #forwardAndTell(): Promise<void> {
    // It would tell that the act is recorded here.
    if (this.#isLost) return;
    try {
      const { waiting } = await this.forward();
      for (const [of, reason] of waiting) {
        const how = "adaos audit --forward, or the next such act, brings it there";
        this.#say(`recorded in ${this.#file.path}, and not at ${of} yet (${reason}); ${how}`);
      }
    } catch (thrown) {
      this.#say(`recorded in ${this.#file.path} alone: ${messageOf(thrown)}`);
    }
  }
}

function begunLine(id: string, { action, what, subnets, by }: AuditedAct): BegunLine {
  return {
    line: "begun",
    ...{ id, action, who: actor(by), what: auditText(what), began_at: new Date().toISOString() },
    process: thisProcess(),
    ...(subnets === undefined ? {} : { subnets }),
  };
}

/** Acts that have ended, and at which of these hubs each is still to be stored. Pure. */
export function unstored(
  acts: readonly KeptAct[],
  hubs: readonly string[],
): { readonly act: KeptAct; readonly at: readonly string[] }[] {
  return acts.flatMap((act) => {
    const { subnets = hubs, storedAt, isGoingOn } = act;
    const at = isGoingOn ? [] : hubs.filter((of) => subnets.includes(of) && !storedAt.has(of));
    return at.length === 0 ? [] : [{ act, at }];
  });
}

/** How many acts are on this machine's disk alone. */
export function waitingRecords(layout: Layout, stateDir: string): number {
  return unstored(new AuditFile(stateDir).read(), hubNames(layout)).length;
}

/** The subnets whose hubs run on this machine. Pure. */
export function hubNames({ servers }: Layout): string[] {
  return servers.map(({ of }) => of).filter((of) => of !== ROOT_DOMAIN);
}

/** As the hub's own event: an operator of its machine has its rights. Rejects as a publish does. */
async function storeAt({ of, connection }: OpenServer, { record }: KeptAct, layout: Layout): Promise<void> {
  const { id, ...data } = record;
  const hub = layout.nodes.find((node) => node.id === `${of}/hub`);
  if (hub === undefined) throw new MeshError("invalid-config", `${of} has no hub in the state folder`);
  const { tenant } = readNodeFile(hub.nodeFile, "hub").config;
  const publisher = new StreamPublisher(connection, { checksDuplicates: true, timeoutMs: PUBLISH_MS });
  try {
    const address = { subnet: of, node: "hub" };
    const about = { address, tenant, signatures: operatorSignatures(layout) };
    await publisher.publish(daemonMessage(about, { id, name: AUDIT_RECORDED, data }));
  } finally {
    await publisher.close();
  }
}
