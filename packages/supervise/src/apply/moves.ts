import { type HubFile, nodeId } from "@adaos/config";
import {
  deadLetterStream,
  eventsStream,
  metricsStream,
  processingStream,
  ROOT_DOMAIN,
} from "@adaos/core/wire";
import type { PolicyState } from "@adaos/policy";
import { type Layout, type Plan, serverProcesses } from "@adaos/provision";
import type { PolicyUpdate } from "./apply-policy.ts";

/** A process or stream that a change starts or ends. */
export interface Move {
  readonly move: "comes" | "goes";
  readonly what: "server" | "daemon" | "stream" | "member" | "subnet elsewhere";
  readonly name: string;
  /** The fate of the data kept under this name. */
  readonly becomes?: string;
}

type Named = readonly [what: Move["what"], name: string];

const BECOMES: Readonly<Record<Move["what"], string | undefined>> = {
  server: "ends",
  daemon: "ends",
  stream: "set aside in store/ of the state folder; the next of its name begins empty",
  member: "disconnected; its key, its durables and its marks go, its outbox is set aside",
  "subnet elsewhere": "its leaf connection ends, and its key opens nothing",
};

/**
 * Servers, daemons, streams and members that come and go with a change. Pure.
 * @param running The policy with which the mesh runs.
 */
export function movesOf({ before, plan }: PolicyUpdate, running: PolicyState): Move[] {
  const was = thingsOf(before, running.holders);
  const is = thingsOf(plan.layout, membersIn(plan));
  const goes = [...was].filter(([key]) => !is.has(key)).map(([, named]) => moveOf("goes", named));
  const comes = [...is].filter(([key]) => !was.has(key)).map(([, named]) => moveOf("comes", named));
  return [...goes, ...comes];
}

function moveOf(move: Move["move"], [what, name]: Named): Move {
  const becomes = move === "goes" ? BECOMES[what] : undefined;
  return { move, what, name, ...(becomes === undefined ? {} : { becomes }) };
}

/** Members by subnet: those whose keys the hubs' files list. A member on another machine appears when it joins. */
function membersIn({ layout, files }: Plan): ReadonlyMap<string, readonly string[]> {
  const hubs = layout.nodes.filter(({ role }) => role === "hub");
  return new Map(
    hubs.map(({ nodeFile }) => {
      // We have just planned the file, so its shape is not checked again.
      const { subnet, members } = JSON.parse(files.get(nodeFile) ?? "{}") as Pick<
        HubFile,
        "subnet" | "members"
      >;
      return [subnet, Object.keys(members)];
    }),
  );
}

function thingsOf(
  { servers, nodes, remote = [] }: Layout,
  members: ReadonlyMap<string, readonly string[]>,
): Map<string, Named> {
  const here = servers.map(({ of }) => of).filter((of) => of !== ROOT_DOMAIN);
  const streams = here.flatMap((subnet) =>
    [eventsStream, deadLetterStream, processingStream, metricsStream].map((streamOf) => streamOf(subnet)),
  );
  const addresses = [...members].flatMap(([subnet, names]) => names.map((node) => nodeId({ subnet, node })));
  const all: Named[] = [
    ...serverProcesses({ servers }).map(({ name }): Named => ["server", name]),
    ...nodes.filter(({ role }) => role !== "member").map(({ id }): Named => ["daemon", id]),
    ...streams.map((name): Named => ["stream", name]),
    ...addresses.map((name): Named => ["member", name]),
    ...remote.map((name): Named => ["subnet elsewhere", name]),
  ];
  return new Map(all.map((named) => [named.join(" "), named]));
}
