import {
  Alerts,
  ownSources,
  type Sample,
  type SampleSource,
  sampleOf,
  supervisorSource,
} from "@adaos/alerts";
import { outboxSize } from "@adaos/client";
import { nodeOfFile, outboxDir } from "@adaos/config";
import type { Message } from "@adaos/core";
import { DEAD_LETTER_ROOT, deadLetterStream, type Figure, subjectsOf } from "@adaos/core/wire";
import type { OpenNode, Part } from "@adaos/daemon";
import { type Connection, type StoreKeeper, storedMessageAt } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import type { ProbeWatch } from "./probe-watch.ts";
import { readServerFigures, type ServerSourceOptions } from "./server-source.ts";

export interface HubAlertsOptions {
  readonly node: OpenNode<"hub">;
  readonly server: ServerSourceOptions;
  readonly jsm: JetStreamManager;
  readonly keeper: StoreKeeper;
  readonly probes: ProbeWatch;
  readonly parts: () => readonly Part[];
  readonly publish: (message: Message) => Promise<unknown>;
}

/** The part that evaluates the alert rules of a subnet. */
export function hubAlerts(options: HubAlertsOptions): Alerts {
  const { node, server, jsm, keeper, probes, parts, publish } = options;
  const { config, name, path, signatures, certificates, log } = node;
  const { subnet, tenant, mesh, alerts } = config;
  const { connection, members } = server;
  const runFile = config.runFile === undefined ? undefined : path(config.runFile);
  return new Alerts(
    {
      mesh,
      role: "hub",
      at: { daemon: name, at: subnet },
      connection,
      jsm,
      sources: [
        serverSamples(subnet, server),
        ...ownSources({ daemon: name, parts, damages: () => keeper.damages, certificates }),
        ...(runFile === undefined
          ? []
          : [supervisorSource(runFile, (process, isRootHere) => isOwn(subnet, process, isRootHere))]),
        ...outboxSamples(node, members),
        {
          name: "probes",
          metrics: ["probeUnhealthy", "probeSloBurn"],
          read: async () => (await probes.figures()).map(sampleOf),
        },
      ],
      audiences: () => [{ subnet, tenant }],
      signatures,
      publish: (_subnet, message) => publish(message),
      log,
    },
    alerts,
  );
}

/** The root reports a hub and its server, since it can do so when they are down; a hub reports its members. */
function isOwn(subnet: string, process: string, isRootHere: boolean): boolean {
  if (!process.includes("/")) return !isRootHere;
  if (!process.startsWith(`${subnet}/`)) return false;
  return /\/hub(-\d)?$/.test(process) ? !isRootHere : true;
}

/** An event of an outbox that is too large to be counted has some more than this. */
const LEAST_BYTES = 1000;

/** The outboxes of each member's processes on this machine; processes on other machines are not visible. */
function outboxSamples(
  { config, loaded }: OpenNode<"hub">,
  members: () => readonly string[],
): SampleSource[] {
  const stateDir = nodeOfFile(loaded.file)?.stateDir;
  if (stateDir === undefined) return [];
  return [
    {
      name: "outboxes",
      metrics: ["diskOutboxEvents"],
      read: async () => {
        const counted = members().map(async (member): Promise<Sample> => {
          const daemon = `${config.subnet}/${member}`;
          const { events, bytes } = await outboxSize(outboxDir(stateDir, daemon));
          const labels = { daemon };
          if (events !== undefined) return { metric: "diskOutboxEvents", labels, value: events };
          const cause = `${bytes} bytes wait, too many to count the events`;
          return { metric: "diskOutboxEvents", labels, value: Math.ceil(bytes / LEAST_BYTES), cause };
        });
        return await Promise.all(counted);
      },
    },
  ];
}

function serverSamples(subnet: string, server: ServerSourceOptions): SampleSource {
  const newest = newestLetter(subnet, server.connection);
  return {
    name: "server",
    metrics: ["streamFull", "serverLeaves", "linkLagSeconds", "deadLetters", "deadLetterLast"],
    read: async () => {
      const figures = await readServerFigures(server);
      const samples = figures.map(sampleOf);
      const cause = await newest(figures);
      if (cause === undefined) return samples;
      return samples.map((sample): Sample => {
        return sample.metric === "deadLetterLast" || sample.metric === "deadLetters"
          ? { ...sample, cause }
          : sample;
      });
    },
  };
}

/** Names node, durable and event of the newest dead letter. Reads it again only when a newer one was stored. */
function newestLetter(
  subnet: string,
  connection: Connection,
): (figures: readonly Figure[]) => Promise<string | undefined> {
  let knownAt = 0;
  let known: string | undefined;
  return async (figures) => {
    const at = figures.find(({ metric }) => metric === "deadLetterLast")?.value ?? 0;
    if (at === 0) return undefined;
    if (at === knownAt) return known;
    const stored = await storedMessageAt(connection, deadLetterStream(subnet), {
      last_by_subj: subjectsOf(DEAD_LETTER_ROOT),
    });
    known = stored === undefined ? undefined : letterText(stored.body);
    knownAt = at;
    return known;
  };
}

/** Leaves the error's message out: it may contain data of the event, and alerts leave the mesh. */
function letterText(body: Uint8Array): string | undefined {
  try {
    const letter = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
    const { node, durable, event_name, event_id, category } = letter;
    const error = letter["error"] as { readonly type?: unknown } | undefined;
    const texts = [node, durable, event_name, event_id, category, error?.type].map((text) =>
      String(text ?? "").slice(0, 100),
    );
    const [at, by, event, id, kind, type] = texts;
    return `the newest: ${at} ${by} gave up ${event} ${id} (${kind}, ${type})`;
  } catch {
    return undefined;
  }
}
