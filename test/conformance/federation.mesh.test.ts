import {
  describeAsk,
  describeBroadcast,
  describeClose,
  describeDedupe,
  describeDurable,
  describeOrder,
  describePublish,
  describeReconnect,
  describeRedelivery,
  describeReplay,
  describeRequest,
  describeSettle,
  type TransportHarness,
} from "@adaos/conformance";
import { MAX_ENVELOPE_BYTES } from "@adaos/core/wire";
import { afterAll, beforeAll, describe, vi } from "vitest";
import { TestMesh } from "../kit/mesh.ts";
import { NATS_TRAITS, natsHarness } from "./nats-harness.ts";

const YAML = `
mesh: conformance
registry: ../schemas/events
subnets:
  alpha:
    export: [conformance., forbidden.]
    members:
      kitchen: { publish: [conformance.] }
      garden: { publish: [conformance.] }
  beta:
    import: [conformance., forbidden.]
    members:
      speaker: { subscribe: [conformance.] }
      lamp: { subscribe: [conformance.] }
      desk: { subscribe: ["*"] }
`;

// Most of these tests wait for the server's timeouts.
vi.setConfig({ maxConcurrency: 12 });

describe("nats transport from subnet to subnet", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(() => mesh.stop());

  /** A harness with this first subscriber. A node may have 64 durables, fewer than the suite creates. */
  const harnessOf = (subscriber: string): TransportHarness =>
    natsHarness(() => mesh, {
      publishers: [
        { subnet: "alpha", node: "kitchen" },
        { subnet: "alpha", node: "garden" },
      ],
      subscribers: [
        { subnet: "beta", node: subscriber },
        { subnet: "beta", node: "desk" },
      ],
      duplicateWindowMs: 120_000,
      // Links carry only envelopes, from one stream to another.
      traits: {
        ...NATS_TRAITS,
        opaqueBodies: false,
        oneLog: false,
        knowsHandlers: false,
        maxBodyBytes: MAX_ENVELOPE_BYTES,
      },
    });
  const speaker = harnessOf("speaker");
  const lamp = harnessOf("lamp");
  // The longest first: all but the reconnects run at the same time.
  describeRedelivery(speaker);
  describeDedupe(lamp);
  describeSettle(speaker);
  describeDurable(lamp);
  describeOrder(lamp);
  describeClose(lamp);
  describeRequest(lamp);
  describeAsk(lamp);
  describeBroadcast(lamp);
  describeReplay(lamp);
  describePublish(speaker);
  describeReconnect(speaker);
});
