import { compilePolicy, Policy, parseEventPattern } from "@adaos/core";
import type { Subnet } from "@adaos/core/wire";
import { formatSubject, memberConsumer } from "@adaos/core/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearEvent, nearPattern, originToken } from "../../../../test/kit/arbitraries.ts";
import { type ParsedBlock, type ParsedValue, parseConf } from "../../../../test/kit/nats-conf.ts";
import { filterMatches, filtersOverlap } from "../../../../test/kit/nats-wildcards.ts";
import { compileRootServer, type RootServerSettings, type ServerSettings } from "./compile.ts";
import { compileHubServer, type HubServerSettings } from "./compile-hub.ts";
import { placeholderKey } from "./example-config.ts";

const common: ServerSettings = {
  host: "127.0.0.1",
  port: 4222,
  storeDir: "/var/lib/adaos/store",
  durability: "synced",
  systemKey: placeholderKey("system"),
};

function subnetOf(
  name: string,
  members: Readonly<Record<string, [publish: string[], subscribe: string[]]>>,
): Subnet {
  const parsed = Object.entries(members).map(([node, [publish, subscribe]]) => {
    return [
      node,
      {
        name: node,
        roles: [],
        publish: publish.map(parseEventPattern),
        subscribe: subscribe.map(parseEventPattern),
      },
    ] as const;
  });
  return { name, tenant: "default", exports: [], imports: [], members: new Map(parsed) };
}

function policyOf(...subnets: readonly Subnet[]): Policy {
  const named = new Map(subnets.map((subnet) => [subnet.name, subnet]));
  return new Policy(compilePolicy({ name: "demo", durability: "synced", subnets: named, policy: [] }, []));
}

function hub(subnet: Subnet, changes: Partial<HubServerSettings> = {}): ParsedBlock {
  const nodes = [...subnet.members.keys()];
  return parseConf(
    compileHubServer({
      ...common,
      subnet: subnet.name,
      rootUrl: "nats-leaf://127.0.0.1:7422",
      leafSeedInclude: "../keys/leaf.conf",
      leafKey: placeholderKey("leaf"),
      hubKey: placeholderKey("hub"),
      memberKeys: new Map(nodes.map((node) => [node, placeholderKey(node)])),
      policy: policyOf(subnet),
      consumers: new Map(
        nodes.map((node) => [node, [memberConsumer(node, "d1"), memberConsumer(node, "d2")]]),
      ),
      ...changes,
    }),
  );
}

function root(subnets: readonly string[], changes: Partial<RootServerSettings> = {}): ParsedBlock {
  return parseConf(
    compileRootServer({
      ...common,
      leafPort: 7422,
      rootKey: placeholderKey("root"),
      leafKeys: new Map(subnets.map((name) => [name, placeholderKey(name)])),
      linkKeys: new Map(subnets.map((name) => [name, placeholderKey(`link ${name}`)])),
      ...changes,
    }),
  );
}

/** The value at a path; undefined where it does not exist. */
function at(block: ParsedBlock, ...path: readonly string[]): ParsedValue | undefined {
  let found: ParsedValue | undefined = block;
  for (const key of path) {
    if (typeof found !== "object" || Array.isArray(found)) return undefined;
    found = found[key];
  }
  return found;
}

function blocks(value: ParsedValue | undefined): ParsedBlock[] {
  return (Array.isArray(value) ? value : []) as ParsedBlock[];
}

/** Every user of every account. */
function users(conf: ParsedBlock): ParsedBlock[] {
  const accounts = Object.values(at(conf, "accounts") as ParsedBlock) as ParsedBlock[];
  return accounts.flatMap((account) => blocks(account["users"]));
}

/** The rights of a member at the server. */
function rightsOf(conf: ParsedBlock, node: string): { publish: string[]; subscribe: string[] } {
  const user = users(conf).find(({ nkey }) => nkey === placeholderKey(node));
  if (user === undefined) throw new Error(`no user ${node}`);
  return {
    publish: (at(user, "permissions", "publish", "allow") ?? []) as string[],
    subscribe: (at(user, "permissions", "subscribe", "allow") ?? []) as string[],
  };
}

/** The subjects that an account lets another one ask. */
function exportsTo(conf: ParsedBlock, from: string, to: string): string[] {
  const exported = blocks(at(conf, "accounts", from, "exports"));
  return exported
    .filter(({ accounts }) => !Array.isArray(accounts) || accounts.includes(to))
    .map(({ service, stream }) => String(service ?? stream));
}

const ALPHA = subnetOf("alpha", {
  kitchen: [["ui.", "nlp.intent.detected@1"], ["timer."]],
  speaker: [["*"], ["*"]],
});

/** Requests that only a hub may make to its server, and publishes of one member in the name of another. */
const FORBIDDEN = [
  "$JS.API.CONSUMER.CREATE.EVENTS_alpha",
  "$JS.API.CONSUMER.CREATE.EVENTS_alpha.kitchen_d1",
  "$JS.API.CONSUMER.CREATE.EVENTS_alpha.kitchen_d1.evt.>",
  "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS_alpha.kitchen_d1",
  "$JS.API.CONSUMER.DELETE.EVENTS_alpha.kitchen_d1",
  "$JS.API.CONSUMER.PAUSE.EVENTS_alpha.kitchen_d1",
  "$JS.API.CONSUMER.LIST.EVENTS_alpha",
  "$JS.API.CONSUMER.NAMES.EVENTS_alpha",
  "$JS.API.STREAM.CREATE.EVENTS_alpha",
  "$JS.API.STREAM.UPDATE.EVENTS_alpha",
  "$JS.API.STREAM.DELETE.EVENTS_alpha",
  "$JS.API.STREAM.PURGE.EVENTS_alpha",
  "$JS.API.STREAM.INFO.EVENTS_alpha",
  "$JS.API.STREAM.MSG.GET.EVENTS_alpha",
  "$JS.API.STREAM.MSG.DELETE.EVENTS_alpha",
  "$JS.API.STREAM.SNAPSHOT.EVENTS_alpha",
  "$JS.API.DIRECT.GET.EVENTS_alpha",
  "$JS.API.DIRECT.GET.EVENTS_alpha.evt.alpha.kitchen.ui.notify.v1",
  "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.root",
  "$JS.API.CONSUMER.INFO.EVENTS_alpha.root",
  "$JS.API.CONSUMER.UNPIN.EVENTS_alpha.root",
  "$JS.ACK.EVENTS_alpha.root.1.2.3.4.5",
  "$JS.ACK.alpha.hash.EVENTS_alpha.root.1.2.3.4.5",
  "$JS.FC.EVENTS_alpha.kitchen_d1.x",
  "$SYS.REQ.SERVER.PING",
  "$SYS.REQ.ACCOUNT.SUBNET.CONNZ",
  "ingest.beta.desk.ui.notify.v1",
  "link.alpha.in.beta.desk.ui.notify.v1",
  "evt.beta.kitchen.ui.notify.v1",
  "evt.alpha.hub.ui.notify.v1",
  "svc.hub.other.durable",
  "svc.hub.other.reply",
  "met.alpha.other.1.2026-11-21T12",
  "rpy.near.alpha.kitchen.EVT-1.alpha.other.ui.notify.v1",
  "rpy.far.beta.desk.EVT-1.gamma.kitchen.ui.notify.v1",
  "rpy.far.alpha.kitchen.EVT-1.beta.desk.ui.notify.v1",
  "got.near.alpha.kitchen.EVT-1.alpha.speaker.ui.notify.v1",
  "ask.alpha.other.ui.notify.v1",
  "ingest-reply.far.alpha.kitchen.EVT-1.beta.desk.ui.notify.v1",
  "_INBOX_other.x",
  "_INBOX.x",
];

describe("compileHubServer(), what members may do", () => {
  test.each(["kitchen", "speaker"])("keeps everything that is not theirs from %s", (node) => {
    const { publish } = rightsOf(hub(ALPHA), node);
    const reached = FORBIDDEN.filter((subject) => publish.some((filter) => filterMatches(filter, subject)));
    expect(reached).toEqual([]);
  });

  test("lets one member publish under no name of another", () => {
    const conf = hub(ALPHA);
    const [kitchen, speaker] = [rightsOf(conf, "kitchen"), rightsOf(conf, "speaker")];
    const shared = kitchen.publish.flatMap((filter) =>
      speaker.publish.filter((other) => filtersOverlap(filter, other)).map((other) => [filter, other]),
    );
    expect(shared).toEqual([]);
  });
  test("lets a member listen on its own inbox, for its replies and its scenarios' changes, and nowhere else", () => {
    const own = ["_INBOX_kitchen.>", "got.*.alpha.kitchen.>", "runchanged.alpha.kitchen.*"];
    // If policy allows, also commands of its subnet that are stored nowhere.
    expect(rightsOf(hub(ALPHA), "kitchen").subscribe).toEqual([...own, "asked.alpha.*.timer.*.>"]);
  });

  /** Its own records, marks and scenarios are all that a member may read without a durable. */
  const readOnly = (subnet: string, node: string): string[] => [
    `$JS.API.DIRECT.GET.PROCESSING_${subnet}.proc.${subnet}.${node}.>`,
    `$JS.API.DIRECT.GET.DONE_${subnet}_${node}`,
    `$JS.API.DIRECT.GET.RUNS_${subnet}.run.${subnet}.${node}.*.*`,
  ];

  test("names streams and consumers literally: no wildcard stands for one", () => {
    const subnets = fc.record({
      name: originToken,
      nodes: fc.uniqueArray(originToken, { minLength: 1, maxLength: 4 }),
      durables: fc.array(originToken, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(subnets, ({ name, nodes, durables }) => {
        const subnet = subnetOf(name, Object.fromEntries(nodes.map((node) => [node, [["*"], ["*"]]])));
        const consumers = new Map(
          nodes.map((node) => [node, durables.map((durable) => memberConsumer(node, durable))]),
        );
        const conf = hub(subnet, { consumers });
        for (const node of nodes) {
          const rights = rightsOf(conf, node).publish.filter(
            (one) => one.startsWith("$JS.") && !readOnly(name, node).includes(one),
          );
          for (const filter of rights) {
            const own = (consumers.get(node) ?? []).map((consumer) => `.EVENTS_${name}.${consumer}`);
            expect(own.some((tail) => filter.endsWith(tail) || filter.endsWith(`${tail}.>`))).toBe(true);
          }
        }
      }),
    );
  });

  test("lets a member ask for, pull from and acknowledge its own durables", () => {
    const { publish } = rightsOf(hub(ALPHA), "kitchen");
    const needed = [
      "svc.hub.kitchen.durable",
      "$JS.API.CONSUMER.INFO.EVENTS_alpha.kitchen_d1",
      "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.kitchen_d2",
      "$JS.ACK.EVENTS_alpha.kitchen_d1.1.2.3.1700000000000000000.0",
      "$JS.ACK.alpha.hash.EVENTS_alpha.kitchen_d1.1.2.3.1700000000000000000.0",
    ];
    expect(needed.filter((subject) => !publish.some((filter) => filterMatches(filter, subject)))).toEqual([]);
  });

  test("lets a member without durables pull from nothing", () => {
    const { publish } = rightsOf(hub(ALPHA, { consumers: new Map() }), "kitchen");
    expect(publish.filter((filter) => filter.startsWith("$JS."))).toEqual(readOnly("alpha", "kitchen"));
  });

  test("passes exactly the events that the policy allows: same rules, same answer", () => {
    const rules = fc.array(nearPattern, { maxLength: 4 });
    fc.assert(
      fc.property(rules, rules, nearEvent, fc.constantFrom("a", "b"), (ofA, ofB, event, as) => {
        const subnet = subnetOf("alpha", { a: [ofA, []], b: [ofB, []] });
        const policy = policyOf(subnet);
        const conf = hub(subnet, { policy });
        const allowed = rightsOf(conf, "a").publish;
        const subject = formatSubject({ subnet: "alpha", node: as, ...event });
        const decision = policy.decide(
          { verb: "publish", subnet: "alpha", node: as },
          event.name,
          event.version,
        );
        expect(allowed.some((filter) => filterMatches(filter, subject))).toBe(as === "a" && decision.allowed);
      }),
      { numRuns: 300 },
    );
  });

  test("lets members and the hub daemon in as clients only, each by its public key", () => {
    const conf = hub(ALPHA);
    const keys = users(conf).map(({ nkey }) => nkey);
    expect(keys.sort()).toEqual(["system", "hub", "kitchen", "speaker"].map(placeholderKey).sort());
    for (const user of users(conf).filter(({ nkey }) => nkey !== common.systemKey)) {
      expect(user["allowed_connection_types"]).toEqual(["STANDARD"]);
    }
  });
});

describe("compileHubServer(), the account of a member", () => {
  /** The subjects that an account reaches in SUBNET, as services and as streams, by the names there or its own. */
  function importsOf(conf: ParsedBlock, account: string, isOwnName = true): string[] {
    return blocks(at(conf, "accounts", account, "imports")).map((one) => {
      const there = at(one, "service", "subject") ?? at(one, "stream", "subject");
      return String(isOwnName ? (one["to"] ?? there) : there);
    });
  }

  test("holds one user, and what that user may do is imported", () => {
    const conf = hub(ALPHA);
    for (const node of ["kitchen", "speaker"]) {
      const account = at(conf, "accounts", `MEMBER_${node}`) as ParsedBlock;
      expect(blocks(account["users"]).map(({ nkey }) => nkey)).toEqual([placeholderKey(node)]);
      const imports = importsOf(conf, `MEMBER_${node}`);
      const { publish } = rightsOf(conf, node);
      expect(publish.filter((right) => !imports.some((one) => filterMatches(one, right)))).toEqual([]);
    }
  });

  test("imports nothing that another member publishes, asks or is told", () => {
    const conf = hub(ALPHA);
    const theirs = rightsOf(conf, "speaker");
    // Durables are literal in the rights only: a wildcard cannot stand for a part of a name.
    const isOfDurable = (subject: string): boolean => /^\$JS\.(API\.CONSUMER|ACK)\./.test(subject);
    const reached = importsOf(conf, "MEMBER_kitchen").filter((one) =>
      [...theirs.publish, ...theirs.subscribe].some(
        (other) => !isOfDurable(other) && filtersOverlap(one, other),
      ),
    );
    expect(reached).toEqual([]);
  });

  test("imports only what SUBNET exports to it, and does not change with durables or policy", () => {
    const few = hub(subnetOf("alpha", { kitchen: [[], []], speaker: [[], []] }), { consumers: new Map() });
    for (const account of ["MEMBER_kitchen", "MEMBER_speaker"]) {
      const exported = exportsTo(hub(ALPHA), "SUBNET", account);
      const imports = importsOf(hub(ALPHA), account, false);
      expect(imports.filter((one) => !exported.some((other) => filterMatches(other, one)))).toEqual([]);
      expect(importsOf(few, account, false)).toEqual(imports);
    }
  });

  test("is exported nothing by a subnet without members, instead of everything to everybody", () => {
    const exported = blocks(at(hub(subnetOf("alpha", {})), "accounts", "SUBNET", "exports"));
    expect(exported.every(({ accounts }) => Array.isArray(accounts) && accounts.length > 0)).toBe(true);
  });

  test("leaves no batch open for long, nor a large one", () => {
    expect(at(hub(ALPHA), "jetstream", "limits", "batch")).toEqual({ max_msgs: 500, timeout: "2s" });
  });

  test("bounds connections and what each listens to", () => {
    const limits = { max_connections: 64, max_subscriptions: 1000 };
    expect(at(hub(ALPHA), "accounts", "MEMBER_kitchen", "limits")).toEqual(limits);
  });
});

describe("compileHubServer(), what is restricted for now", () => {
  const publishedBy = (conf: ParsedBlock, node: string): readonly string[] => rightsOf(conf, node).publish;

  test("withholds what begins with these tokens from one member, and nothing else", () => {
    const free = hub(ALPHA);
    const conf = hub(ALPHA, { withheld: new Map([["kitchen", new Set(["evt", "rpy", "dlq"])]]) });
    const left = publishedBy(free, "kitchen").filter((subject) => !/^(evt|rpy|dlq)\./.test(subject));
    expect(publishedBy(conf, "kitchen")).toEqual(left);
    expect(left).toContain("svc.hub.kitchen.budget");
    expect(publishedBy(conf, "speaker")).toEqual(publishedBy(free, "speaker"));
  });

  test("knows nobody in the account of a member that is shut out, and keeps the account", () => {
    const conf = hub(ALPHA, { shutOut: new Set(["kitchen"]) });
    expect(at(conf, "accounts", "MEMBER_kitchen", "users")).toEqual([]);
    expect(at(conf, "accounts", "MEMBER_kitchen", "imports")).toEqual(
      at(hub(ALPHA), "accounts", "MEMBER_kitchen", "imports"),
    );
    expect(at(conf, "accounts", "MEMBER_speaker")).toEqual(at(hub(ALPHA), "accounts", "MEMBER_speaker"));
  });
});

describe("compileHubServer(), what the root may do", () => {
  const conf = hub(ALPHA);
  const SERVICES = [
    "$JS.ACK.EVENTS_alpha.root.>",
    "$JS.ACK.alpha.*.EVENTS_alpha.root.>",
    "$JS.API.CONSUMER.INFO.EVENTS_alpha.root",
    "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.root",
    "$JS.API.CONSUMER.UNPIN.EVENTS_alpha.root",
    "ingest-reply.>",
    "ingest.>",
    "registry.offer",
    "stream.fill",
    "stream.refill",
  ];

  test("exports the services of its durable and what may enter, the acknowledgement in both its forms", () => {
    expect(exportsTo(conf, "SUBNET", "BRIDGE").sort()).toEqual(SERVICES);
  });

  test("brings them to the link under the subnet's own prefix", () => {
    const imports = blocks(at(conf, "accounts", "BRIDGE", "imports")).map((one) => {
      const subject = String(at(one, "service", "subject"));
      return [subject, String(one["to"] ?? subject)];
    });
    expect(Object.fromEntries(imports)).toEqual({
      "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.root": "link.alpha.CONSUMER.MSG.NEXT.EVENTS_alpha.root",
      "$JS.API.CONSUMER.INFO.EVENTS_alpha.root": "link.alpha.CONSUMER.INFO.EVENTS_alpha.root",
      "$JS.API.CONSUMER.UNPIN.EVENTS_alpha.root": "link.alpha.CONSUMER.UNPIN.EVENTS_alpha.root",
      "$JS.ACK.EVENTS_alpha.root.>": "$JS.ACK.EVENTS_alpha.root.>",
      "$JS.ACK.alpha.*.EVENTS_alpha.root.>": "$JS.ACK.alpha.*.EVENTS_alpha.root.>",
      "ingest.>": "link.alpha.in.>",
      "ingest-reply.>": "link.alpha.reply.>",
      "registry.offer": "link.alpha.registry",
      "stream.fill": "link.alpha.fill",
      "stream.refill": "link.alpha.refill",
    });
  });

  test("holds no streams, users or exports in the account of the link", () => {
    expect(Object.keys(at(conf, "accounts", "BRIDGE") as ParsedBlock)).toEqual(["imports"]);
  });

  test("binds the leaf connection to that account, its seed read from another file", () => {
    const leaf = { urls: ["nats-leaf://127.0.0.1:7422"], account: "BRIDGE", include: "../keys/leaf.conf" };
    expect(at(conf, "leafnodes", "remotes")).toEqual([{ ...leaf, compression: "off" }]);
  });

  test("lets no account but BRIDGE and those of its members ask anything", () => {
    const exported = blocks(at(conf, "accounts", "SUBNET", "exports")).flatMap(({ accounts }) => accounts);
    expect(exported).not.toContain(undefined);
    const asking = ["BRIDGE", "MEMBER_kitchen", "MEMBER_speaker"];
    expect(asking).toEqual(expect.arrayContaining([...new Set(exported)]));
  });
});

describe("compileRootServer()", () => {
  const conf = root(["alpha", "my-home"]);

  test("gives each leaf an account with one user, who may come as a leaf only, and no streams", () => {
    for (const name of ["alpha", "my-home"]) {
      const account = at(conf, "accounts", `LEAF_${name}`) as ParsedBlock;
      expect(Object.keys(account).sort()).toEqual(["exports", "users"]);
      expect(account["users"]).toEqual([
        { nkey: placeholderKey(name), allowed_connection_types: ["LEAFNODE"] },
      ]);
    }
  });

  test("exports the services of one subnet's hub to MESH and to nobody else", () => {
    const exported = blocks(at(conf, "accounts", "LEAF_alpha", "exports"));
    expect(exported.map(({ service }) => service).sort()).toEqual([
      "$JS.ACK.EVENTS_alpha.root.>",
      "$JS.ACK.alpha.*.EVENTS_alpha.root.>",
      "link.alpha.CONSUMER.INFO.EVENTS_alpha.root",
      "link.alpha.CONSUMER.MSG.NEXT.EVENTS_alpha.root",
      "link.alpha.CONSUMER.UNPIN.EVENTS_alpha.root",
      "link.alpha.fill",
      "link.alpha.in.>",
      "link.alpha.refill",
      "link.alpha.registry",
      "link.alpha.reply.>",
    ]);
    // A hub answers any other request once: the server drops further answers.
    const answeredOften = exported.filter(({ response_type: type }) => type === "stream");
    expect(answeredOften.map(({ service }) => service)).toEqual([
      "link.alpha.CONSUMER.MSG.NEXT.EVENTS_alpha.root",
    ]);
    expect(exported.map(({ accounts }) => accounts)).toEqual(exported.map(() => ["MESH"]));
  });

  test("never lets the services of two subnets run into each other", () => {
    fc.assert(
      fc.property(fc.uniqueArray(originToken, { minLength: 2, maxLength: 2 }), ([a = "", b = ""]) => {
        const both = root([a, b]);
        const overlaps = exportsTo(both, `LEAF_${a}`, "MESH").flatMap((one) =>
          exportsTo(both, `LEAF_${b}`, "MESH").filter((other) => filtersOverlap(one, other)),
        );
        expect(overlaps).toEqual([]);
      }),
    );
  });

  test("imports into MESH exactly what the leaves export to it", () => {
    const imports = blocks(at(conf, "accounts", "MESH", "imports")).map((one) => [
      at(one, "service", "account"),
      at(one, "service", "subject"),
    ]);
    const exported = ["alpha", "my-home"].flatMap((name) =>
      exportsTo(conf, `LEAF_${name}`, "MESH").map((service) => [`LEAF_${name}`, service]),
    );
    expect(imports).toEqual(exported);
  });

  test("lets the root daemon in as a client only", () => {
    const [daemon, ...links] = blocks(at(conf, "accounts", "MESH", "users"));
    expect(daemon).toEqual({ nkey: placeholderKey("root"), allowed_connection_types: ["STANDARD"] });
    expect(links.map(({ allowed_connection_types: types }) => types)).toEqual([["STANDARD"], ["STANDARD"]]);
  });

  test("lets who pulls from a subnet ask for that durable, acknowledge to it, and nothing else", () => {
    expect(rightsOf(conf, "link my-home")).toEqual({
      publish: [
        "link.my-home.CONSUMER.MSG.NEXT.EVENTS_my-home.root",
        "link.my-home.CONSUMER.INFO.EVENTS_my-home.root",
        "link.my-home.CONSUMER.UNPIN.EVENTS_my-home.root",
        "$JS.ACK.EVENTS_my-home.root.>",
        "$JS.ACK.my-home.*.EVENTS_my-home.root.>",
      ],
      subscribe: ["_INBOX_link-my-home.>"],
    });
  });

  test("works without any subnet", () => {
    expect(Object.keys(at(root([]), "accounts") as ParsedBlock)).toEqual(["SYS", "MESH", "JOIN"]);
  });

  test("lets the holder of an invitation ask one thing and hear its answer, and nobody without one", () => {
    expect(blocks(at(root(["alpha"]), "accounts", "JOIN", "users"))).toEqual([]);
    const invited = root(["alpha"], { invitations: new Map([["k7d2mq4x", placeholderKey("guest")]]) });
    expect(rightsOf(invited, "guest")).toEqual({
      publish: ["join.k7d2mq4x"],
      subscribe: ["_INBOX_join-k7d2mq4x.>"],
    });
  });
});

describe("compileRootServer(), compileHubServer()", () => {
  test("agree on the largest message, so that none is stuck on a link", () => {
    expect(root([])["max_payload"]).toBe(1_114_112);
    expect(hub(ALPHA)["max_payload"]).toBe(1_114_112);
  });

  test("sync every write, or every two minutes where that is chosen", () => {
    for (const compile of [
      (changes: Partial<ServerSettings>) => root([], changes),
      (c: Partial<ServerSettings>) => hub(ALPHA, c),
    ]) {
      expect(at(compile({}), "jetstream", "sync_interval")).toBe("always");
      expect(at(compile({ durability: "relaxed" }), "jetstream", "sync_interval")).toBe("2m");
    }
  });

  test("notice a connection that is half open in seconds", () => {
    for (const conf of [root([]), hub(ALPHA)])
      expect([conf["ping_interval"], conf["ping_max"]]).toEqual(["5s", 2]);
  });

  test("name domains apart: the root's and each subnet's", () => {
    expect(at(root([]), "jetstream", "domain")).toBe("root");
    expect(at(hub(ALPHA), "jetstream", "domain")).toBe("alpha");
  });

  test("serve nobody over HTTP, and log to a file of bounded size where one is named", () => {
    const conf = root([], { host: "0.0.0.0", logFile: "/var/log/nats.log" });
    expect(Object.keys(conf).filter((key) => /http|monitor/.test(key))).toEqual([]);
    expect([conf["log_file"], conf["log_size_limit"], conf["log_max_num"]]).toEqual([
      "/var/log/nats.log",
      10_485_760,
      2,
    ]);
    expect(root([])["log_file"]).toBeUndefined();
  });

  test("keep a path with quotes and line ends a path", () => {
    const storeDir = '/tmp/a"b\n}\naccounts: { X: {} }\\';
    expect(at(hub(ALPHA, { storeDir }), "jetstream", "store_dir")).toBe(storeDir);
    expect(Object.keys(at(hub(ALPHA, { storeDir }), "accounts") as ParsedBlock)).not.toContain("X");
  });

  test("compile a whole mesh without losing a rule", () => {
    const beta = subnetOf("beta", { desk: [["ui.", "scenario."], ["ui."]] });
    const policy = policyOf(ALPHA, beta);
    const publish = [
      ...rightsOf(hub(ALPHA, { policy }), "kitchen").publish,
      ...rightsOf(hub(beta, { policy }), "desk").publish,
    ];
    expect(publish.filter((filter) => filter.startsWith("evt."))).toEqual([
      "evt.alpha.kitchen.ui.*.>",
      "evt.alpha.kitchen.nlp.intent.detected.v1",
      "evt.beta.desk.ui.*.>",
      "evt.beta.desk.scenario.*.>",
    ]);
  });
});

describe("compileRootServer(), compileHubServer(), with TLS", () => {
  const tls = { caFile: "/k/ca.pem", certFile: "/k/s.pem", keyFile: "/k/s.key", verify: false };
  const shown = { cert_file: "/k/s.pem", key_file: "/k/s.key" };
  const asking = { ...shown, ca_file: "/k/ca.pem", verify: true };

  function remoteOf(changes: Partial<HubServerSettings>): ParsedBlock | undefined {
    const conf = hub(ALPHA, { rootUrl: "tls://127.0.0.1:7422", ...changes });
    return blocks(at(conf, "leafnodes", "remotes"))[0];
  }

  test("say nothing of it unless it is asked for", () => {
    expect(JSON.stringify([root(["alpha"]), hub(ALPHA)])).not.toContain("tls");
  });

  test("show a certificate to clients, and the root's to hubs too", () => {
    expect([at(root([], { tls }), "tls"), at(hub(ALPHA, { tls }), "tls")]).toEqual([shown, shown]);
    expect(at(root([], { tls }), "leafnodes", "tls")).toEqual(shown);
  });

  test("ask for one of the same CA with verify: clients and hubs", () => {
    const changes = { tls: { ...tls, verify: true } };
    expect(at(root([], changes), "tls")).toEqual(asking);
    expect(at(root([], changes), "leafnodes", "tls")).toEqual(asking);
    expect(at(hub(ALPHA, changes), "tls")).toEqual(asking);
  });

  test("dial the root only when the CA vouches for it, with the hub's own certificate where it is asked for", () => {
    expect(remoteOf({ tls })).toMatchObject({
      urls: ["tls://127.0.0.1:7422"],
      tls: { ca_file: "/k/ca.pem" },
    });
    expect(remoteOf({ tls })?.["tls"]).toEqual({ ca_file: "/k/ca.pem" });
    expect(remoteOf({ tls: { ...tls, verify: true } })?.["tls"]).toEqual({ ca_file: "/k/ca.pem", ...shown });
  });

  test("leave the counters on loopback whatever the server listens on", () => {
    expect(at(root([], { tls, host: "0.0.0.0" }), "leafnodes", "host")).toBe("0.0.0.0");
  });
});
