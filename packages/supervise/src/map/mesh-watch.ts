import { readNodeFile } from "@adaos/config";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import { askFlow, type DurableFlow } from "@adaos/operations";
import type { Layout } from "@adaos/provision";
import { askHealth } from "../status/health.ts";
import { type MembersOf, type MeshLook, type MeshMap, meshMap } from "./mesh-map.ts";

/** Readers within this time get the same look: it costs a connection to every server. */
const SAME_LOOK_MS = 2000;
/** Rates are those of this time: of less they leap, of more they say little of now. */
const WINDOW_MS = 12_000;
/** Two looks closer to each other than this give no rate. */
const MIN_WINDOW_MS = 900;

interface KeptLook extends MeshLook {
  readonly layout: Layout;
  readonly members: MembersOf;
  readonly at: Date;
}

/** Looks at a mesh again and again, as often as somebody asks, for states and the rates between two looks. */
export class MeshWatch {
  readonly #stateDir: string;
  /** Oldest first; those of the window and the one before it. */
  #looks: KeptLook[] = [];
  #looking: Promise<void> | undefined;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** The mesh now. Rejects with `invalid-config`. */
  async map(layout: Layout): Promise<MeshMap> {
    const now = await this.#look(layout);
    const before = this.#looks.find(({ flow }) => now.flow.atMs - flow.atMs >= MIN_WINDOW_MS);
    return meshMap(now.layout, now.members, before, now, now.at);
  }

  /** The durables of a member, as of the last look. */
  async durablesOf(layout: Layout, member: string): Promise<readonly DurableFlow[]> {
    const { flow } = await this.#look(layout);
    return flow.subnets.flatMap(({ durables }) => durables).filter((durable) => durable.member === member);
  }

  async #look(layout: Layout): Promise<KeptLook> {
    let last = this.#looks.at(-1);
    const isOther = last !== undefined && last.layout.mesh !== layout.mesh;
    if (last === undefined || isOther || performance.now() - last.flow.atMs > SAME_LOOK_MS) {
      this.#looking ??= this.#lookNow(layout).finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
      last = this.#looks.at(-1);
    }
    if (last === undefined) throw new Error("a look leaves none");
    return last;
  }

  async #lookNow(layout: Layout): Promise<void> {
    const hubs = layout.servers.filter(({ of }) => of !== ROOT_DOMAIN);
    const [health, flow] = await Promise.all([askHealth(layout, this.#stateDir), askFlow(hubs)]);
    const look = { health, flow, layout, members: membersOf(layout), at: new Date() };
    const kept = this.#looks.filter((one) => one.layout.mesh === layout.mesh);
    const inWindow = kept.filter((one) => flow.atMs - one.flow.atMs <= WINDOW_MS);
    this.#looks = [...(inWindow.length > 0 ? inWindow : kept.slice(-1)), look];
  }
}

/** A hub's file names its members, those of other machines too. One that cannot be read is left out: status tells. */
function membersOf({ nodes }: Layout): MembersOf {
  const members = new Map<string, readonly string[]>();
  for (const { role, nodeFile } of nodes) {
    if (role !== "hub") continue;
    try {
      const { config } = readNodeFile(nodeFile, "hub");
      members.set(config.subnet, Object.keys(config.members));
    } catch {}
  }
  return members;
}
