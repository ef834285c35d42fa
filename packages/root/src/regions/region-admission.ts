import { MeshError } from "@adaos/core";
import {
  DAEMON_NODES,
  deniedError,
  type EventAddress,
  isReplySubject,
  parseSubject,
  RecentMap,
  SIGNATURE_HEADER,
} from "@adaos/core/wire";
import type { Msg } from "nats";
import { type Admits, type Admitted, admitted } from "../links/admission.ts";
import type { Clearance } from "../links/clearance.ts";
import type { Regions } from "./regions.ts";

/** Subjects of events remembered per region. */
const REMEMBERED = 10_000;

/**
 * Decides whether an event of another region may be stored here. That region's server has filtered it, and may lie: the
 * origin must be a subnet that this root's file takes from that region. The names of subnets are unique over linked
 * regions, so no origin is taken from two of them, and none of the root's own from any.
 */
export class RegionAdmission implements Admits {
  readonly #region: string;
  readonly #regions: Regions;
  readonly #clearance: Pick<Clearance, "assertMayEnter">;
  /** Subjects that may enter by this revision of the rules, with their origin and event. */
  #entering = new RecentMap<string, EventAddress>(REMEMBERED);
  #revision = 0;

  constructor(region: string, regions: Regions, clearance: Pick<Clearance, "assertMayEnter">) {
    this.#region = region;
    this.#regions = regions;
    this.#clearance = clearance;
  }

  /** Never: that region's filters name the origins. */
  isOwn(): boolean {
    return false;
  }

  /** Throws `denied` (with the rule) or `invalid-event`. */
  admit(msg: Msg, claimed: EventAddress): Admitted {
    this.#clearance.assertMayEnter(claimed);
    const event = admitted(msg, claimed, { tenant: this.#regions.get(this.#region)?.tenant });
    // Only that region has a signature's key: here it proves nothing, and nodes refuse what they cannot check.
    const { [SIGNATURE_HEADER]: _, ...headers } = event.message.headers;
    return { ...event, message: { ...event.message, headers } };
  }

  /** Throws as {@link admit} does. Pure apart from its cache. */
  admitSubject(subject: string): EventAddress {
    const { policy } = this.#regions;
    if (this.#revision !== policy.revision) {
      this.#entering = new RecentMap(REMEMBERED);
      this.#revision = policy.revision;
    }
    const remembered = this.#entering.get(subject);
    if (remembered !== undefined) return remembered;
    if (isReplySubject(subject)) throw denied(`the region ${this.#region} may send no reply`);
    const address = parseSubject(subject);
    this.#assertOrigin(address);
    const { mesh } = this.#regions;
    const question = { verb: "import", subnet: mesh, from: this.#region } as const;
    const decision = policy.decide(question, address.name, address.version);
    if (!decision.allowed) throw deniedError(decision);
    this.#entering.set(subject, address);
    return address;
  }

  #assertOrigin({ subnet, node }: EventAddress): void {
    const subnets = this.#regions.get(this.#region)?.subnets ?? {};
    const known = Object.hasOwn(subnets, subnet) ? subnets[subnet] : undefined;
    if (known === undefined) throw denied(`the region ${this.#region} may not send an event of ${subnet}`);
    if (known.nodes === undefined || known.nodes.includes(node) || DAEMON_NODES.has(node)) return;
    throw denied(`${subnet} of the region ${this.#region} has no member ${node} here`);
  }
}

function denied(why: string): MeshError {
  return new MeshError("denied", why, { rule: "origin" });
}
