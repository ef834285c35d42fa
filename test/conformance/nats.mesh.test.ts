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
import { afterAll, beforeAll, describe, vi } from "vitest";
import { TestMesh } from "../kit/mesh.ts";
import { emptyStream, NATS_TRAITS, natsHarness } from "./nats-harness.ts";

const MAX_BYTES = 8 * 1024 * 1024;
const WINDOW_MS = 5000;
const YAML = `
mesh: conformance
registry: ../schemas/events
streams: { maxBytes: ${MAX_BYTES}, duplicateWindowMs: ${WINDOW_MS} }
subnets:
  alpha:
    members:
      kitchen: { publish: [conformance.], subscribe: [conformance.] }
      garden: { publish: [conformance.], subscribe: [conformance.] }
      cellar: { publish: [conformance.], subscribe: [conformance.] }
      speaker: { publish: [conformance.], subscribe: ["*"] }
`;

// Most of these tests wait for the server's timeouts.
vi.setConfig({ maxConcurrency: 12 });

describe("nats transport within a subnet", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(() => mesh.stop());

  /** A harness with this first node. A node may have 64 durables, fewer than the suite creates. */
  const harnessOf = (node: string): TransportHarness => {
    const nodes = [
      { subnet: "alpha", node },
      { subnet: "alpha", node: "speaker" },
    ] as const;
    const maxBodyBytes = NATS_TRAITS.refusedBodyBytes - 1024;
    const about = natsHarness(() => mesh, {
      publishers: nodes,
      subscribers: nodes,
      duplicateWindowMs: WINDOW_MS,
      traits: { ...NATS_TRAITS, opaqueBodies: true, oneLog: true, knowsHandlers: true, maxBodyBytes },
    });
    return { ...about, log: { maxBytes: MAX_BYTES, empty: () => emptyStream(mesh, "alpha") } };
  };
  const kitchen = harnessOf("kitchen");
  const garden = harnessOf("garden");
  // The longest first: all but the reconnects run at the same time.
  describeRedelivery(kitchen);
  describeDedupe(garden);
  describeSettle(kitchen);
  describeDurable(garden);
  describeOrder(garden);
  describeClose(garden);
  describeRequest(garden);
  describeAsk(harnessOf("cellar"));
  describeBroadcast(garden);
  describeReplay(garden);
  describeTimers(harnessOf("cellar"));
  describeDocuments(harnessOf("cellar"));
  describePublish(kitchen);
  describeReconnect(kitchen);
});
