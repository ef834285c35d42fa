import type { DurableFlow } from "@adaos/operations";
import type { NodeDescription } from "@adaos/supervise";

/** `GET /api/mesh`: the mesh as a map. `GET /api/mesh/changes`: what has changed in it. */
export type { ChangeKind, MeshChange, Timeline } from "@adaos/operations";
export type { MapLink, MapNode, MapServer, MeshMap } from "@adaos/supervise";

/** `GET /api/mesh/node?id=alpha/kitchen`: one daemon in detail. */
export interface NodeAnswer {
  /** Absent for a daemon of another machine. */
  readonly node?: NodeDescription;
  /** Of a member. */
  readonly durables: readonly DurableFlow[];
}
