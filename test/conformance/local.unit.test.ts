import {
  describeAsk,
  describeBroadcast,
  describeClose,
  describeDedupe,
  describeDocuments,
  describeDurable,
  describeOrder,
  describePublish,
  describeReconnect,
  describeRedelivery,
  describeReplay,
  describeRequest,
  describeSettle,
  describeTimers,
  type TransportHarness,
} from "@adaos/conformance";
import { compilePolicy, type Mesh, parseEventPattern } from "@adaos/core";
import type { NodeAddress } from "@adaos/core/wire";
import { MAX_EVENT_BYTES } from "@adaos/core/wire";
import {
  LOCAL_TRAITS,
  LocalBroker,
  type LocalBrokerOptions,
  LocalMesh,
  LocalTransport,
} from "@adaos/transport-local";
import { describe } from "vitest";

/** Settings short enough to wait for. */
function localHarness(options: Omit<LocalBrokerOptions, "subnet"> = {}): TransportHarness {
  const settings = { subnet: "alpha", duplicateWindowMs: 1000, ackWaitMs: 150, ...options };
  let broker = new LocalBroker(settings);
  const node = (name: string): NodeAddress => ({ subnet: "alpha", node: name });
  return {
    traits: {
      ...LOCAL_TRAITS,
      opaqueBodies: true,
      oneLog: true,
      knowsHandlers: true,
      ackWaitMs: settings.ackWaitMs,
      maxBodyBytes: MAX_EVENT_BYTES - 1024,
      refusedBodyBytes: MAX_EVENT_BYTES,
    },
    publishers: [node("kitchen"), node("garden")],
    subscribers: [node("speaker"), node("desk")],
    prefix: "conformance.",
    forbidden: "forbidden.door.opened",
    limitMs: 5000,
    duplicateWindowMs: settings.duplicateWindowMs,
    longestWindowMs: 1000,
    open: async ({ node }) => new LocalTransport(broker, { node }),
    replay: async (messages) => {
      for (const message of messages) broker.replay(message);
    },
    restart: async () => {
      broker = new LocalBroker(settings);
    },
    log: {
      maxBytes: 64 * 1024 * 1024,
      empty: async () => {
        broker = new LocalBroker(settings);
      },
    },
  };
}

/** Every concern of the suite. */
function describeAll(harness: TransportHarness): void {
  describePublish(harness);
  describeSettle(harness);
  describeRedelivery(harness);
  describeDurable(harness);
  describeOrder(harness);
  describeDedupe(harness);
  describeReconnect(harness);
  describeClose(harness);
  describeRequest(harness);
  describeAsk(harness);
  describeBroadcast(harness);
  describeReplay(harness);
}

describe("local transport", () => {
  describeAll(localHarness());
  describeTimers(localHarness());
  describeDocuments(localHarness());
});

describe("local transport without a duplicate window", () => {
  describeDedupe(localHarness({ duplicateWindowMs: 0 }));
});

/** The same through two subnets of a mesh in this process. */
function localMeshHarness(): TransportHarness {
  const one = localHarness();
  const pattern = parseEventPattern("*");
  const subnet = { tenant: "default", exports: [pattern], imports: [pattern], members: new Map() };
  const mesh: Mesh = {
    name: "local",
    durability: "relaxed",
    subnets: new Map([
      ["alpha", { ...subnet, name: "alpha" }],
      ["beta", { ...subnet, name: "beta" }],
    ]),
    policy: [],
  };
  const open = (): LocalMesh =>
    new LocalMesh(mesh, compilePolicy(mesh, []), { duplicateWindowMs: 1000, ackWaitMs: 150 });
  let local = open();
  const { log: _, ...common } = one;
  return {
    ...common,
    traits: { ...one.traits, oneLog: false },
    subscribers: [
      { subnet: "beta", node: "speaker" },
      { subnet: "beta", node: "desk" },
    ],
    open: async ({ subnet: name, node }) => {
      const broker = local.broker(name);
      if (broker === undefined) throw new Error(`no subnet ${name}`);
      return new LocalTransport(broker, { node });
    },
    replay: async (messages) => {
      for (const message of messages) local.broker("beta")?.replay(message);
    },
    restart: async () => {
      local = open();
    },
  };
}

describe("local transport from subnet to subnet", () => {
  describeAll(localMeshHarness());
});
