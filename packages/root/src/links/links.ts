import type { Logger, Message, Policy } from "@adaos/core";
import {
  bridgePrefix,
  DEFAULT_TENANT,
  type Denial,
  Denials,
  downlinkDurable,
  eventsStream,
  type Figure,
  ingestSubject,
  MESH_STREAM,
  ROOT_DOMAIN,
  type Signatures,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { type Connection, StreamPublisher } from "@adaos/transport-nats";
import type { OriginBudgets } from "../budgets/origin-budgets.ts";
import type { LinkState } from "../events/link-reports.ts";
import type { Regions } from "../regions/regions.ts";
import type { Subnets } from "../subnets.ts";
import { Admission } from "./admission.ts";
import type { Clearance } from "./clearance.ts";
import type { HubPrograms } from "./hub-programs.ts";
import { ImportDenials } from "./import-denials.ts";
import { Link } from "./link.ts";
import { LinkTally } from "./link-tally.ts";
import type { MeshStream } from "./mesh-stream.ts";
import { Pace } from "./pace.ts";

export interface LinksOptions {
  readonly policy: Policy;
  readonly subnets: Subnets;
  readonly regions: Pick<Regions, "regionOf" | "get">;
  readonly signatures: Signatures;
  readonly clearance: Clearance;
  readonly connection: Connection;
  /** Opens the connection that pulls from one subnet, without other rights. */
  readonly openSource: (subnet: string, signal: AbortSignal) => Promise<Connection>;
  readonly stream: MeshStream;
  readonly budgets: OriginBudgets;
  readonly programs: HubPrograms;
  readonly log: Logger;
}

/** Never the name of a subnet. */
const FOREIGN = "*";

/** The uplink and the downlink of each subnet, each only while policy lets any event pass. */
export class Links implements Part {
  readonly name = "links";
  readonly #options: LinksOptions;
  readonly #links = new Map<string, Link>();
  /** Also of closed links: their counters must not fall. */
  readonly #tallies = new Map<string, LinkTally>();
  readonly #denials = new Map<string, Denials>();
  readonly #publisher: StreamPublisher;
  readonly #importDenials: ImportDenials;
  #reconciling: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: LinksOptions) {
    this.#options = options;
    const { policy, subnets } = options;
    this.#importDenials = new ImportDenials({
      policy,
      tenants: subnets.tenants,
      onDenied: (denial, count) => this.#report(denial.node, denial, count),
    });
    this.#publisher = new StreamPublisher(options.connection);
    options.programs.onChange = () => {
      this.reconcile().catch((err: unknown) => options.log.error({ err }, "links not reconciled"));
    };
  }

  async start(): Promise<void> {
    await this.reconcile();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#reconciling;
    await Promise.all([...this.#links.values()].map((link) => link.stop()));
    this.#importDenials.close();
    for (const denials of this.#denials.values()) denials.close();
    await this.#publisher.close();
  }

  health(): PartHealth {
    const denied = [...this.#denials.values()].reduce((sum, { total }) => sum + total, 0);
    const { programs, subnets } = this.#options;
    const details = { denied, programs: programs.texts(subnets.names()), clocks: programs.clocks.off() };
    const apart = subnets.names().flatMap((subnet) => programs.whyApart(subnet) ?? []);
    if (apart.length === 0) return { ready: true, details };
    return { ready: false, reason: `are closed: ${apart.join("; ")}`, details };
  }

  parts(): readonly Part[] {
    return [...this.#links.values()];
  }

  figures(): readonly Figure[] {
    return [...this.#links.values()].flatMap((link) => link.figures());
  }

  /**
   * The links that this daemon reports. Of several root daemons the first one reports all links, and another one those
   * that it serves: so no state is reported twice, and a link without events has somebody to report it.
   */
  reported(isFirst: boolean): LinkState[] {
    const links = [...this.#links.values()];
    return links.filter((link) => isFirst || link.isServed).map(({ state }) => state);
  }

  /** The place up to which each uplink has carried its hub's stream, by subnet, if known. */
  carriedTo(): Record<string, number> {
    const places = this.#options.subnets.names().map((subnet) => {
      return [subnet, this.#links.get(`up ${subnet}`)?.carriedTo] as const;
    });
    return Object.fromEntries(places.filter((place): place is [string, number] => place[1] !== undefined));
  }

  /** Stores an event of the root itself in a subnet's stream. Rejects with `unavailable` or `backpressure`. */
  async publishIn(subnet: string, message: Message): Promise<void> {
    await this.#publisher.publish({ ...message, subject: ingestSubject(subnet, message.subject) });
  }

  /**
   * Opens and closes links by the current policy, subnets and programs of hubs. Other links are not disturbed.
   */
  reconcile(): Promise<void> {
    const reconciled = this.#reconciling.then(() => this.#reconcile());
    this.#reconciling = reconciled.catch(() => undefined);
    return reconciled;
  }

  async #reconcile(): Promise<void> {
    if (this.#isStopped) return;
    const { subnets, stream } = this.#options;
    const filtersFor = stream.filters();
    const wanted = new Map(
      subnets.names().flatMap((subnet) => this.#wantedOf(subnet, filtersFor(subnet).length > 0)),
    );
    for (const [name, link] of this.#links) {
      if (wanted.has(name)) continue;
      this.#links.delete(name);
      await link.stop();
    }
    for (const [name, make] of wanted) {
      if (this.#links.has(name)) continue;
      const link = make();
      this.#links.set(name, link);
      await link.start();
    }
  }

  #wantedOf(subnet: string, hasImports: boolean): [name: string, make: () => Link][] {
    const { policy, programs } = this.#options;
    if (programs.whyApart(subnet) !== undefined) return [];
    const exported = policy.patternsFor({ verb: "export", subnet });
    const isHeard = exported.length > 0 || policy.importsOf(subnet).length > 0;
    return [
      ...(isHeard ? [[`up ${subnet}`, () => this.#uplink(subnet)] as [string, () => Link]] : []),
      ...(hasImports ? [[`down ${subnet}`, () => this.#downlink(subnet)] as [string, () => Link]] : []),
    ];
  }

  /** Publishes a denial in the subnet of the link, for its operator. */
  #report(subnet: string, denial: Denial, count = 1): void {
    const { subnets, signatures, log } = this.#options;
    const { tenants } = subnets;
    const { from = subnet } = denial;
    // Names of another tenant's events are confidential, so such a denial is only in the root's log.
    const isForeign = tenants.get(from) !== tenants.get(subnet);
    const key = isForeign ? FOREIGN : subnet;
    const denials =
      this.#denials.get(key) ??
      new Denials({
        address: { subnet, node: "root" },
        tenant: tenants.get(subnet) ?? DEFAULT_TENANT,
        signatures,
        publish: async (message) => {
          if (!isForeign) await this.publishIn(subnet, message);
        },
        log,
      });
    this.#denials.set(key, denials);
    denials.note(denial, count);
  }

  #tallyOf(link: string): LinkTally {
    const tally = this.#tallies.get(link) ?? new LinkTally();
    this.#tallies.set(link, tally);
    return tally;
  }

  #admission(subnet: string, direction: "up" | "down"): Admission {
    const { policy, signatures, clearance, subnets, regions } = this.#options;
    const { tenants, nodes } = subnets;
    const foreignTenant = (name: string): string | undefined =>
      regions.get(regions.regionOf(name) ?? "")?.tenant;
    return new Admission({ policy, signatures, clearance, tenants, nodes, foreignTenant, direction, subnet });
  }

  #uplink(subnet: string): Link {
    const { openSource: _, subnets, ...options } = this.#options;
    const budget = this.#options.budgets.uplink(subnet);
    return new Link({
      ...options,
      admission: this.#admission(subnet, "up"),
      subnet,
      direction: "up",
      tally: this.#tallyOf(`up ${subnet}`),
      onDenied: (denial) => this.#report(subnet, denial),
      onCarried: (subject, eventId) => this.#importDenials.note(subject, eventId),
      source: {
        stream: eventsStream(subnet),
        consumer: UPLINK_DURABLE,
        domain: subnet,
        apiPrefix: bridgePrefix(subnet),
        isReplicated: subnets.isReplicated(subnet),
      },
      openSource: (signal) => this.#options.openSource(subnet, signal),
      targetSubject: (subject) => subject,
      budget,
      pace: new Pace(
        () => subnets.exportLimits.get(subnet),
        () => budget.waitReason() !== undefined,
      ),
      // The hub owns this durable; the root has no right to create it.
      onMissing: () => undefined,
    });
  }

  #downlink(subnet: string): Link {
    const { openSource: _, ...options } = this.#options;
    const { stream } = options;
    return new Link({
      ...options,
      admission: this.#admission(subnet, "down"),
      subnet,
      direction: "down",
      tally: this.#tallyOf(`down ${subnet}`),
      onDenied: (denial) => this.#report(subnet, denial),
      source: {
        stream: MESH_STREAM,
        consumer: downlinkDurable(subnet),
        domain: ROOT_DOMAIN,
        apiPrefix: "$JS.API",
        isReplicated: stream.isReplicated,
      },
      targetSubject: (subject) => ingestSubject(subnet, subject),
      budget: this.#options.budgets.downlink(subnet),
      onMissing: () => void stream.restore(),
    });
  }
}
