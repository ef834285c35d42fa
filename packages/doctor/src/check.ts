import type { StreamDetail, Varz } from "@adaos/nats-server";
import type { AwayServer, OpenServer } from "@adaos/operations";
import type { Layout, ServerLayout } from "@adaos/provision";
import type { ComponentHealth, MeshHealth } from "@adaos/supervise";

/** Something that is wrong. */
export interface Finding {
  /** `fault`: something does not work, or soon will not. `notice`: it works, and is most likely not meant. */
  readonly level: "fault" | "notice";
  /** A node, a server, a durable or a file. */
  readonly about: string;
  readonly problem: string;
  readonly why: string;
  /** The command that repairs it, or that shows what to repair. */
  readonly mend: string;
}

/** The report of a server, and when it was asked and when it answered by this machine's clock. */
export interface AskedServer {
  readonly server: ServerLayout;
  readonly varz: Varz;
  readonly streams: readonly StreamDetail[];
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** The facts that checks look at. A question of several checks is asked once. */
export interface Scene {
  readonly layout: Layout;
  readonly stateDir: string;
  /** The mesh file; undefined when this folder has joined another machine's mesh. */
  readonly meshFile: string | undefined;
  readonly nowMs: number;
  /** Servers that answer, with the rights of the daemons beside them. */
  readonly open: readonly OpenServer[];
  readonly away: readonly AwayServer[];
  readonly health: MeshHealth;
  /** No process of the mesh runs: it was stopped, or never started. */
  readonly isDown: boolean;
  /** Those that answer on their system accounts. */
  readonly askServers: () => Promise<readonly AskedServer[]>;
}

/** One question to a mesh. */
export interface Check {
  /** The file it stands in, and what a report calls it. */
  readonly group: string;
  /** It uses so much of the processor that the other checks run first. */
  readonly isHeavy?: true;
  /** Rejects with the reason when it cannot judge. */
  readonly look: (scene: Scene) => Promise<readonly Finding[]>;
}

/** The state of one component, as `adaos status` reports it. Pure. */
export function componentOf(
  { components }: MeshHealth,
  kind: ComponentHealth["kind"],
  name: string,
): ComponentHealth | undefined {
  return components.find((component) => component.kind === kind && component.name === name);
}

/** Whether the server of a subnet, or of the root, is well. Pure. */
export function isServerWell({ layout, health }: Scene, of: string): boolean {
  const server = layout.servers.find((one) => one.of === of);
  // One of another machine is judged by its links alone.
  return server === undefined || componentOf(health, "server", server.name)?.ready === true;
}
