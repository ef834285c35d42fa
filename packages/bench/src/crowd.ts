import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import {
  bridgePrefix,
  type Durability,
  delay,
  EVENT_ROOT,
  eventsStream,
  FILL_SERVICE,
  fillSubject,
  ingestPrefix,
  MAX_PAYLOAD_BYTES,
  REFILL_SERVICE,
  REGISTRY_OFFER,
  ROOT_DOMAIN,
  refillSubject,
  registryOfferSubject,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import { type ConfBlock, ensureNatsServer, renderConf } from "@adaos/nats-server";
import { AckPolicy, type ConsumerConfig, connect, type NatsConnection, nkeyAuthenticator, nkeys } from "nats";

const HOST = "127.0.0.1";
const LIMIT_MS = 60_000;
const LOOK_MS = 100;
const MADE_TOGETHER = 16;

/** The facts about a running mesh that a crowd needs. */
export interface CrowdHost {
  readonly state: string;
  readonly durability: Durability;
}

/** The parts of the state folder's `mesh.json` that are used here. */
interface Layout {
  readonly ports: Readonly<Record<string, { leafPort?: number }>>;
  readonly nodes: readonly { readonly id: string; readonly nodeFile: string }[];
}

/** A subnet without hub daemon and members. */
interface Idler {
  readonly name: string;
  /** Seeds of its leaf connection and of the user that creates its stream. */
  readonly leafSeed: string;
  readonly keeperSeed: string;
}

/**
 * Subnets that share one server. Each has an account with a stream, the root's durable and a leaf connection. The
 * root serves them as any other: it pulls from each, and keeps a durable for each; none of them sends anything.
 */
export class Crowd {
  readonly #own: Own;
  #server: ChildProcess | undefined;
  #hubs: NatsConnection | undefined;
  /** When the root learned of it, by `performance.now()`. */
  joinedMs = 0;

  private constructor(own: Own) {
    this.#own = own;
  }

  /** Adds `count` subnets to a running mesh, whose root daemon watches its file. `dir` does not exist yet. */
  static async join(host: CrowdHost, count: number, dir: string): Promise<Crowd> {
    const idlers = Array.from({ length: count }, (_, i) => ({
      name: `crowd-${i}`,
      leafSeed: newSeed(),
      keeperSeed: newSeed(),
    }));
    const layout = JSON.parse(readFileSync(join(host.state, "mesh.json"), "utf8")) as Layout;
    mkdirSync(dir, { recursive: true });
    const crowd = new Crowd({ dir, port: await freePort(), hubsSeed: newSeed() });
    try {
      // The root learns of a subnet before its server connects: here too, or a thousand would be refused each second.
      await crowd.#start(serverConfig(host, idlers, crowd.#own));
      await crowd.#makeStreams(idlers);
      await crowd.#end("SIGTERM");
      crowd.joinedMs = performance.now();
      tellRoot(layout, idlers);
      await crowd.#start(serverConfig(host, idlers, crowd.#own, layout));
    } catch (thrown) {
      crowd.stop();
      throw thrown;
    }
    return crowd;
  }

  stop(): void {
    void this.#end("SIGKILL");
  }

  async #start(conf: string): Promise<void> {
    const { dir, port, hubsSeed } = this.#own;
    const file = join(dir, "server.conf");
    writeFileSync(file, conf, { mode: 0o600 });
    const { path } = await ensureNatsServer();
    const options = { stdio: "ignore", detached: true } as const;
    this.#server = spawn(path, ["-c", file, "-l", join(dir, "server.log")], options);
    this.#hubs = await dial(`nats://${HOST}:${port}`, hubsSeed);
    answerAsHubs(this.#hubs);
  }

  async #makeStreams(idlers: readonly Idler[]): Promise<void> {
    for (let i = 0; i < idlers.length; i += MADE_TOGETHER) {
      const some = idlers.slice(i, i + MADE_TOGETHER);
      await Promise.all(some.map((idler) => makeStream(idler, this.#own.port)));
    }
  }

  /** Resolves when the server has ended. */
  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await this.#hubs?.close().catch(() => undefined);
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  }
}

/** The crowd's server: it keeps its port over a restart. */
interface Own {
  readonly dir: string;
  readonly port: number;
  readonly hubsSeed: string;
}

const newSeed = (): string => new TextDecoder().decode(nkeys.createUser().getSeed());
const publicKeyOf = (seed: string): string => nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();

/** The account whose one connection answers for the hub daemons of all subnets. */
const HUBS = "HUBS";
/** Requests of the root that only a hub daemon can answer. */
const HUB_ANSWERS = [REGISTRY_OFFER, FILL_SERVICE, REFILL_SERVICE] as const;

/** Answers what a root daemon asks each hub every few seconds, as a hub that has lost nothing and holds little. */
function answerAsHubs(nc: NatsConnection): void {
  const answering = (service: string, answer: (subnet: string, data: Uint8Array) => object): void => {
    nc.subscribe(`${service}.*`, {
      callback: (error, msg) => {
        const subnet = msg.subject.slice(service.length + 1);
        if (error === null) msg.respond(JSON.stringify(answer(subnet, msg.data)));
      },
    });
  };
  answering(FILL_SERVICE, () => ({ maxBytes: 1_048_576, usedBytes: 0, held: {}, nowMs: Date.now() }));
  answering(REFILL_SERVICE, () => ({}));
  const had = new Map<string, string>();
  answering(REGISTRY_OFFER, (subnet, data) => {
    const { digest, bytes, part } = JSON.parse(new TextDecoder().decode(data)) as RegistryOffer;
    const next = part === undefined ? 0 : part.offset + Buffer.byteLength(part.base64, "base64");
    if (next >= bytes) had.set(subnet, digest);
    return had.get(subnet) === digest ? { have: digest } : { next };
  });
}

/** The fields of an offer that are used here. */
interface RegistryOffer {
  readonly digest: string;
  readonly bytes: number;
  readonly part?: { readonly offset: number; readonly base64: string };
}

/** Config of the one server: that of a hub, once for each account pair. Without a layout, it is linked to no root. */
function serverConfig(
  { durability }: CrowdHost,
  idlers: readonly Idler[],
  { dir, port, hubsSeed }: Own,
  root?: Layout,
): string {
  const rootUrl = `nats-leaf://${HOST}:${root?.ports[ROOT_DOMAIN]?.leafPort}`;
  return renderConf({
    server_name: "crowd",
    host: HOST,
    port,
    max_payload: MAX_PAYLOAD_BYTES,
    ping_interval: "5s",
    ping_max: 2,
    jetstream: {
      store_dir: join(dir, "store"),
      domain: "crowd",
      sync_interval: durability === "synced" ? "always" : "2m",
    },
    ...(root === undefined
      ? {}
      : {
          leafnodes: {
            reconnect: "1s",
            remotes: idlers.map(({ name, leafSeed }) => ({
              urls: [rootUrl],
              account: `BRIDGE_${name}`,
              nkey: leafSeed,
              // As the root's server, which offers none to so many.
              compression: "off",
            })),
          },
        }),
    accounts: {
      ...Object.fromEntries(idlers.flatMap(accountsOf)),
      [HUBS]: {
        users: [{ nkey: publicKeyOf(hubsSeed) }],
        exports: HUB_ANSWERS.map((service) => ({ service: `${service}.*` })),
      },
    },
  });
}

function accountsOf({ name, keeperSeed }: Idler): [string, ConfBlock][] {
  const [subnet, bridge] = [`SUBNET_${name}`, `BRIDGE_${name}`];
  const durable = `${eventsStream(name)}.${UPLINK_DURABLE}`;
  const pull = `$JS.API.CONSUMER.MSG.NEXT.${durable}`;
  const info = `$JS.API.CONSUMER.INFO.${durable}`;
  const unpin = `$JS.API.CONSUMER.UNPIN.${durable}`;
  const ack = `$JS.ACK.${durable}.>`;
  const accounts = [bridge];
  const serviceOf = (subject: string): ConfBlock => ({ account: subnet, subject });
  const asked = { [REGISTRY_OFFER]: registryOfferSubject, [FILL_SERVICE]: fillSubject };
  const hubAnswers = Object.entries({ ...asked, [REFILL_SERVICE]: refillSubject });
  const prefix = bridgePrefix(name);
  return [
    [
      subnet,
      {
        jetstream: "enabled",
        users: [{ nkey: publicKeyOf(keeperSeed) }],
        mappings: { "ingest.>": `${EVENT_ROOT}.>` },
        exports: [
          { service: pull, response_type: "stream", accounts },
          { service: info, accounts },
          { service: unpin, accounts },
          { service: ack, accounts },
          { service: "ingest.>", accounts },
        ],
      },
    ],
    [
      bridge,
      {
        imports: [
          ...[pull, info, unpin].map((subject) => ({
            service: serviceOf(subject),
            to: subject.replace("$JS.API", prefix),
          })),
          { service: serviceOf(ack) },
          { service: serviceOf("ingest.>"), to: `${ingestPrefix(name)}.>` },
          ...hubAnswers.map(([service, subjectOf]) => ({
            service: { account: HUBS, subject: `${service}.${name}` },
            to: subjectOf(name),
          })),
        ],
      },
    ],
  ];
}

/** As hubs make the durables of links; the client's type predates it. */
const PINNED = {
  ack_policy: AckPolicy.All,
  ack_wait: 3e9,
  max_ack_pending: 2000,
  priority_groups: ["link"],
  priority_policy: "pinned_client",
  priority_timeout: 2.5e9,
};

/** Creates the stream as the hub daemon would. */
async function makeStream({ name, keeperSeed }: Idler, port: number): Promise<void> {
  const nc = await dial(`nats://${HOST}:${port}`, keeperSeed);
  try {
    const jsm = await nc.jetstreamManager();
    const stream = eventsStream(name);
    await jsm.streams.add({ name: stream, subjects: [`${EVENT_ROOT}.>`], max_bytes: 1_048_576 });
    await jsm.consumers.add(stream, {
      durable_name: UPLINK_DURABLE,
      ...PINNED,
      filter_subject: `${EVENT_ROOT}.${name}.*.bench.>`,
    } as Partial<ConsumerConfig>);
  } finally {
    await nc.close();
  }
}

/** Tells the root daemon of the crowd, in the file that it follows. */
function tellRoot({ nodes }: Layout, idlers: readonly Idler[]): void {
  const file = nodes.find(({ id }) => id === ROOT_DOMAIN)?.nodeFile;
  if (file === undefined) throw new MeshError("internal", "the mesh has no root daemon");
  const node = JSON.parse(readFileSync(file, "utf8")) as {
    subnets: Record<string, object>;
    policy: object[];
  };
  // They export the usual events and import another one: a run's events go the same way as without them.
  for (const { name, leafSeed } of idlers) {
    node.subnets[name] = { leafKey: publicKeyOf(leafSeed), nodes: [] };
    node.policy.push(
      { verb: "export", subnet: name, rules: [["allow", "bench.", `${name}.export[0]`]] },
      { verb: "import", subnet: name, rules: [["allow", "idle.", `${name}.import[0]`]] },
    );
  }
  writeWhole(file, JSON.stringify(node));
}

/** Connects, retrying until the server answers. Rejects with the last failure. */
async function dial(url: string, seed: string): Promise<NatsConnection> {
  const deadlineMs = Date.now() + LIMIT_MS;
  for (;;) {
    try {
      return await connect({
        servers: url,
        authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      });
    } catch (thrown) {
      if (Date.now() >= deadlineMs) throw thrown;
      await delay(LOOK_MS);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new MeshError("internal", "no free port");
  return address.port;
}
