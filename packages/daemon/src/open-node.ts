import {
  type LoadedNode,
  type NodeFile,
  type NodeRole,
  readLastGoodNode,
  readServerAccess,
  readSignatures,
} from "@adaos/config";
import { type Logger, Policy } from "@adaos/core";
import { type DaemonEvent, Signatures } from "@adaos/core/wire";
import { openLog } from "./log.ts";
import type { MetricSource } from "./metrics/scrape.ts";
import type { ScrapeListen } from "./metrics/scrape-server.ts";
import type { Part } from "./part.ts";
import { runNode } from "./run-node.ts";

type FileOf<R extends NodeRole> = Extract<NodeFile, { role: R }>;

/** A daemon before its parts start: its file, and everything that follows from the file alone. */
export interface OpenNode<R extends NodeRole> {
  readonly loaded: LoadedNode<FileOf<R>>;
  readonly config: FileOf<R>;
  /** `root`, `alpha/hub`, `alpha/kitchen`. */
  readonly name: string;
  /** Resolves a path from the file. */
  path(path: string): string;
  readonly log: Logger;
  /** Certificate files of the node and of the server beside it. */
  readonly certificates: readonly string[];
  readonly policy: Policy;
  readonly signatures: Signatures;
  /** Options to connect to the file's server; a daemon waits for it. */
  dial(): ReturnType<typeof readServerAccess> & { readonly log: Logger; readonly waitForServer: true };
  /**
   * Replaces the policy and the signature keys by those of the changed file. Nothing changes when one of them is wrong.
   */
  replaceRights(changed: FileOf<R>): void;
  /**
   * Runs the daemon until it is told to stop. Resolves with the exit code.
   * @param sources Sources that are read at a scrape.
   * @param announce Publishes the events that report the start of this process.
   */
  run(
    parts: readonly Part[],
    sources: readonly MetricSource[],
    announce: (event: DaemonEvent) => void,
  ): Promise<number>;
}

/** Opens the daemon of a node file. Throws MeshError `invalid-config`. */
export function openNode<R extends NodeRole>(file: string, role: R): OpenNode<R> {
  const { loaded, broken } = readLastGoodNode(file, role);
  const { config, path } = loaded;
  const name = nameOf(config);
  const log = openLog({
    level: config.log.level,
    file: config.log.file === undefined ? undefined : path(config.log.file),
    base: { mesh: config.mesh, node: name },
  });
  if (broken !== undefined)
    log.error({ file, err: broken }, "node file broken; started from the copy of its last good version");
  const policy = new Policy(config.policy);
  let signatures: Signatures | undefined;
  return {
    loaded,
    config,
    name,
    path,
    log,
    certificates: certificatesOf(config).map(path),
    policy,
    // A member's bus reads its keys itself.
    get signatures() {
      signatures ??= new Signatures(readSignatures(config.signatures, path));
      return signatures;
    },
    dial: () => ({ ...readServerAccess(config.server, path), log, waitForServer: true }),
    replaceRights(changed) {
      const keys = readSignatures(changed.signatures, path);
      policy.replace(changed.policy);
      this.signatures.replace(keys);
    },
    run: (parts, sources, announce) =>
      runNode({
        node: name,
        role,
        http: config.http,
        scrapedAt: scrapedAt(config, path),
        runFile: config.runFile === undefined ? undefined : path(config.runFile),
        log,
        tracing: config.tracing,
        parts,
        sources,
        certificates: certificatesOf(config).map(path),
        announce,
      }),
  };
}

function nameOf(config: NodeFile): string {
  if (config.role === "root") return config.node;
  return `${config.subnet}/${config.node}`;
}

function scrapedAt({ metrics }: NodeFile, path: (path: string) => string): ScrapeListen | undefined {
  if (metrics === undefined) return undefined;
  const { host, port, tokenFile, tls } = metrics;
  return {
    host,
    port,
    tokenFile: tokenFile === undefined ? undefined : path(tokenFile),
    tls:
      tls === undefined
        ? undefined
        : {
            certFile: path(tls.certFile),
            keyFile: path(tls.keyFile),
            clientCaFile: tls.clientCaFile === undefined ? undefined : path(tls.clientCaFile),
          },
  };
}

/** The certificates of a node, and of the server beside it, as its file names them. Pure. */
export function certificatesOf(config: NodeFile): string[] {
  const own = config.server.tls;
  const ofServer = config.role === "member" ? undefined : config.natsServer?.tls;
  const ofScrape = config.metrics?.tls;
  const files = [own?.caFile, own?.certFile, ofServer?.caFile, ofServer?.certFile, ofScrape?.certFile];
  return files.filter((file) => file !== undefined);
}
