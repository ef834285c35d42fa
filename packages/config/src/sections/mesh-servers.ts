import { ROOT_DOMAIN } from "@adaos/core/wire";
import type { z } from "zod";
import { numberedNames } from "../files/state-dir.ts";
import { type meshTlsSchema, plainAddressProblem } from "../transport-security.ts";
import { type OneServer, type RootEntries, type Servers, serverPath, serversOf } from "./server-entries.ts";

/** The part of a mesh file that is about servers. */
interface ServersValue {
  readonly root: RootEntries;
  readonly subnets: Readonly<Record<string, HubEntries>>;
  readonly tls?: z.output<typeof meshTlsSchema> | undefined;
}

type HubEntries = Servers & {
  readonly remote?: true | undefined;
  readonly members: Readonly<Record<string, { readonly remote?: true | undefined }>>;
};

interface Problem {
  readonly path: string[];
  readonly message: string;
}

/** The entries of each server: the root's, and those of each hub. Pure. */
export function meshServersOf({ root, subnets }: ServersValue): Map<string, OneServer> {
  const ofHubs = Object.entries(subnets).flatMap(([name, subnet]) => [...serversOf(name, subnet)]);
  return new Map([...serversOf(ROOT_DOMAIN, root), ...ofHubs]);
}

/** The names of the servers of the root, under {@link ROOT_DOMAIN}, and of each subnet's hub. Pure. */
export function serverNamesOf({ root, subnets }: ServersValue): ReadonlyMap<string, readonly string[]> {
  const all = [[ROOT_DOMAIN, root] as const, ...Object.entries(subnets)];
  return new Map(all.map(([of, { servers }]) => [of, numberedNames(of, servers.length)]));
}

/** Servers that other machines could reach unencrypted, certificates that no server uses, and names used twice. */
export function serverProblems(value: ServersValue): Problem[] {
  const { root, subnets } = value;
  const ofHubs = Object.entries(subnets).flatMap(([name, subnet]) => [
    ...addressProblems(value, name, serversOf(name, subnet)),
    ...remoteProblems(name, subnet),
    ...daemonNamesakes(name, subnet),
  ]);
  return [
    ...namesakes(value),
    ...addressProblems(value, ROOT_DOMAIN, serversOf(ROOT_DOMAIN, root)),
    ...ofHubs,
  ];
}

function addressProblems(
  { root, subnets, tls }: ServersValue,
  of: string,
  servers: ReadonlyMap<string, OneServer>,
): Problem[] {
  const entries = of === ROOT_DOMAIN ? root : subnets[of];
  return [...servers].flatMap(([name, server]) => {
    const path = entries === undefined ? ["subnets", of] : serverPath(of, entries, name);
    const problems: Problem[] = [];
    const plain = tls === undefined ? plainAddressProblem(server) : undefined;
    if (plain !== undefined) problems.push({ path: [...path, plain.key], message: plain.message });
    if (server.tls !== undefined && (typeof tls !== "object" || "development" in tls)) {
      problems.push({ path: [...path, "tls"], message: "needs tls: { ca, cert, key } of the whole mesh" });
    }
    return problems;
  });
}

function remoteProblems(name: string, { remote, servers, members }: HubEntries): Problem[] {
  if (remote !== true) return [];
  const ofMembers = Object.entries(members).flatMap(([member, { remote: own }]) => {
    const message = "is set for the subnet already: its members join with its hub";
    return own === true ? [{ path: ["subnets", name, "members", member, "remote"], message }] : [];
  });
  if (servers.length === 1) return ofMembers;
  const message = "must be 1 with remote: true: a hub that joins by a code has one server";
  return [...ofMembers, { path: ["subnets", name, "servers"], message }];
}

/** Members named as one of the hub's daemons, and subnets as one of another's servers. */
function daemonNamesakes(name: string, { servers, members }: HubEntries): Problem[] {
  const daemons = numberedNames("hub", servers.length).filter((daemon) => members[daemon] !== undefined);
  return daemons.map((daemon) => {
    const message = "is the name of a hub daemon of this subnet; give the member another name";
    return { path: ["subnets", name, "members", daemon], message };
  });
}

function namesakes(value: ServersValue): Problem[] {
  return [...serverNamesOf(value)].flatMap(([of, [, ...names]]) =>
    names.flatMap((name) => {
      const whose = of === ROOT_DOMAIN ? "the root" : `the hub of ${of}`;
      const message = `is the name of a server of ${whose}; give the subnet another name`;
      return value.subnets[name] === undefined ? [] : [{ path: ["subnets", name], message }];
    }),
  );
}
