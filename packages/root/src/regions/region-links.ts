import { readServerAccess } from "@adaos/config";
import { type Figure, MESH_STREAM, ROOT_DOMAIN, regionDurable, regionUser } from "@adaos/core/wire";
import type { OpenNode, Part, PartHealth } from "@adaos/daemon";
import { type Connection, openConnection } from "@adaos/transport-nats";
import type { OriginBudgets } from "../budgets/origin-budgets.ts";
import { LimitedLog } from "../limited-log.ts";
import type { Clearance } from "../links/clearance.ts";
import { Link } from "../links/link.ts";
import { LinkTally } from "../links/link-tally.ts";
import { Pace } from "../links/pace.ts";
import { RegionAdmission } from "./region-admission.ts";
import type { KnownRegion, Regions } from "./regions.ts";

export interface RegionLinksOptions {
  /** Its own file says where the other regions are. */
  readonly node: Pick<OpenNode<"root">, "config" | "path" | "log">;
  readonly regions: Regions;
  readonly clearance: Clearance;
  readonly connection: Connection;
  readonly budgets: OriginBudgets;
}

interface OpenLink {
  readonly link: Link;
  /** How the region is reached: with another address or key the link is opened again. */
  readonly access: string;
}

/**
 * The links by which this root pulls events of other regions into its own stream. Each region owns the links to itself:
 * while it is away, its events wait in the stream of the root that they come from.
 */
export class RegionLinks implements Part {
  readonly name = "regions";
  readonly #options: RegionLinksOptions;
  readonly #log: LimitedLog;
  readonly #links = new Map<string, OpenLink>();
  /** Also of closed links: their counters must not fall. */
  readonly #tallies = new Map<string, LinkTally>();
  #reconciling: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: RegionLinksOptions) {
    this.#options = options;
    this.#log = new LimitedLog(options.node.log);
  }

  async start(): Promise<void> {
    await this.reconcile();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#reconciling;
    await Promise.all([...this.#links.values()].map(({ link }) => link.stop()));
  }

  health(): PartHealth {
    return { ready: true };
  }

  parts(): readonly Part[] {
    return [...this.#links.values()].map(({ link }) => link);
  }

  figures(): readonly Figure[] {
    return [...this.#links.values()].flatMap(({ link }) => link.figures());
  }

  /** Opens and closes links by the current file. Other links are not disturbed. */
  reconcile(): Promise<void> {
    const reconciled = this.#reconciling.then(() => this.#reconcile());
    this.#reconciling = reconciled.catch(() => undefined);
    return reconciled;
  }

  async #reconcile(): Promise<void> {
    if (this.#isStopped) return;
    const { regions } = this.#options;
    const wanted = regions.all().filter((region) => regions.incoming(region).length > 0);
    const accesses = new Map(wanted.map(({ name, server }) => [name, JSON.stringify(server)]));
    const others = [...this.#links].filter(([name, { access }]) => accesses.get(name) !== access);
    for (const [name] of others) this.#links.delete(name);
    await Promise.all(others.map(([, { link }]) => link.stop()));
    for (const region of wanted) {
      if (this.#links.has(region.name)) continue;
      const link = this.#open(region);
      this.#links.set(region.name, { link, access: accesses.get(region.name) ?? "" });
      await link.start();
    }
  }

  #open({ name, server }: KnownRegion): Link {
    const { node, regions, clearance, connection, budgets } = this.#options;
    const tally = this.#tallies.get(name) ?? new LinkTally();
    this.#tallies.set(name, tally);
    const budget = budgets.regionLink(name);
    return new Link({
      connection,
      admission: new RegionAdmission(name, regions, clearance),
      direction: "region",
      subnet: name,
      tally,
      // Its names are another operator's: they are in the root's log, and in no subnet's stream.
      onDenied: (denial) =>
        this.#log.warn({ link: `region ${name}`, ...denial }, "event of a region refused"),
      source: {
        stream: MESH_STREAM,
        consumer: regionDurable(regions.mesh),
        domain: ROOT_DOMAIN,
        apiPrefix: "$JS.API",
        // That root may have several servers.
        isReplicated: true,
      },
      openSource: async (signal) => {
        if (server === undefined) throw new Error(`nothing says where the region ${name} is`);
        const access = readServerAccess(server, node.path);
        const user = regionUser(regions.mesh);
        return openConnection({
          ...access,
          name: `${regions.mesh}/${node.config.node}`,
          user,
          log: this.#log,
          signal,
        });
      },
      targetSubject: (subject) => subject,
      budget,
      pace: new Pace(
        () => undefined,
        () => budget.waitReason() !== undefined,
      ),
      // That region owns this durable.
      onMissing: () => undefined,
      log: node.log,
    });
  }
}
