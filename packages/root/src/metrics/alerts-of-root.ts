import { Alerts, ownSources, type SampleSource, sampleOf, supervisorSource } from "@adaos/alerts";
import type { Message } from "@adaos/core";
import type { OpenNode, Part } from "@adaos/daemon";
import type { Connection, StoreKeeper } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import type { Subnets } from "../subnets.ts";
import { readServerFigures } from "./server-source.ts";

export interface RootAlertsOptions {
  readonly node: OpenNode<"root">;
  readonly subnets: Subnets;
  readonly connection: Connection;
  /** Undefined for a daemon on another machine than the root's server. */
  readonly system: Connection | undefined;
  readonly jsm: JetStreamManager;
  readonly keeper: StoreKeeper;
  readonly parts: () => readonly Part[];
  readonly publish: (subnet: string, message: Message) => Promise<void>;
}

/** The part that evaluates the alert rules of the root. */
export function rootAlerts(options: RootAlertsOptions): Alerts {
  const { node, subnets, connection, system, jsm, keeper, parts, publish } = options;
  const { config, name, path, signatures, certificates, log } = node;
  const { names } = subnets;
  const ofServer: SampleSource[] =
    system === undefined
      ? []
      : [
          {
            name: "server",
            metrics: ["streamFull", "linkLagSeconds"],
            read: async () => (await readServerFigures(names, connection, system)).map(sampleOf),
          },
        ];
  return new Alerts(
    {
      mesh: config.mesh,
      role: "root",
      at: { daemon: name, at: name },
      connection,
      jsm,
      sources: [
        ...ofServer,
        ...ownSources({ daemon: name, parts, damages: () => keeper.damages, certificates }),
        ...(config.runFile === undefined ? [] : [supervisorSource(path(config.runFile), isOwn)]),
      ],
      audiences: () => [...subnets.tenants].map(([subnet, tenant]) => ({ subnet, tenant })),
      signatures,
      publish,
      log,
    },
    config.alerts,
  );
}

/** All processes but members, which their hub reports. */
function isOwn(process: string): boolean {
  return !process.includes("/") || /\/hub(-\d)?$/.test(process);
}
