import {
  inboxPrefix,
  MESH_STREAM,
  ROOT_DOMAIN,
  regionDurable,
  regionUser,
  subjectsOf,
} from "@adaos/core/wire";
import type { ConfBlock } from "./conf.ts";

/** Connections of one region: those of its root daemons, and new ones beside half-open old ones. */
const MAX_CONNECTIONS = 32;
/** A root daemon has a few. */
const MAX_SUBSCRIPTIONS = 100;

/** The account of another region on the root's server. */
function regionAccount(region: string): string {
  return `REGION_${region}`;
}

/**
 * Accounts of other regions, one for each. In it the region reaches its own durable of the root's stream: it can pull,
 * look and acknowledge there. Answers go into that account, so a reply subject of theirs reaches nobody else, and no
 * stream stores it.
 */
export function regionAccounts(keys: ReadonlyMap<string, string>): Record<string, ConfBlock> {
  return Object.fromEntries(
    [...keys].map(([region, nkey]) => [
      regionAccount(region),
      {
        users: [userOf(region, nkey)],
        limits: { max_connections: MAX_CONNECTIONS, max_subscriptions: MAX_SUBSCRIPTIONS },
        imports: servicesOf(region).map(({ service: subject }) => ({
          service: { account: "MESH", subject },
        })),
      },
    ]),
  );
}

/** The services of the root's account that regions reach, each only its own. */
export function regionExports(keys: ReadonlyMap<string, string>): ConfBlock[] {
  const exports = new Map<string, ConfBlock & { accounts: string[] }>();
  for (const region of keys.keys()) {
    for (const service of servicesOf(region)) {
      const known = exports.get(service.service);
      if (known === undefined)
        exports.set(service.service, { ...service, accounts: [regionAccount(region)] });
      else known.accounts.push(regionAccount(region));
    }
  }
  return [...exports.values()];
}

/** Only a request for messages may have several answers: the server drops further ones. */
function servicesOf(region: string): { readonly service: string; readonly response_type?: "stream" }[] {
  const [next = "", ...others] = pullSubjects(region);
  return [
    // No region may use it. Without it the server would import the whole JetStream API, which answers for each account.
    { service: "$JS.API.INFO" },
    { service: next, response_type: "stream" },
    ...[...others, ...ackSubjects(region)].map((service) => ({ service })),
  ];
}

function userOf(region: string, nkey: string): ConfBlock {
  return {
    nkey,
    allowed_connection_types: ["STANDARD"],
    permissions: {
      publish: { allow: [...pullSubjects(region), ...ackSubjects(region)] },
      subscribe: { allow: [subjectsOf(inboxPrefix(regionUser(region)))] },
    },
  };
}

function pullSubjects(region: string): string[] {
  const verbs = ["MSG.NEXT", "INFO", "UNPIN"];
  return verbs.map((verb) => `$JS.API.CONSUMER.${verb}.${MESH_STREAM}.${regionDurable(region)}`);
}

/** Both forms of an acknowledgement, as those of links. */
function ackSubjects(region: string): string[] {
  const place = `${MESH_STREAM}.${regionDurable(region)}.>`;
  return [`$JS.ACK.${place}`, `$JS.ACK.${ROOT_DOMAIN}.*.${place}`];
}
