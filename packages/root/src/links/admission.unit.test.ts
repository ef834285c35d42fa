import { Policy, parseEventPattern } from "@adaos/core";
import { Signatures } from "@adaos/core/wire";
import type { Msg } from "nats";
import { describe, expect, test } from "vitest";
import { envelopeOf, messageOfEnvelope } from "../../../../test/kit/stand-ins.ts";
import { Admission } from "./admission.ts";
import { Clearance } from "./clearance.ts";

const SUBJECT = "evt.far.kitchen.ui.notify.v1";

/** The downlink of alpha, which imports from the subnet `far` of another region. */
function downlink(foreignTenant: string | undefined): Admission {
  return new Admission({
    policy: new Policy([
      {
        ...{ id: "import", effect: "allow", verb: "import", subnet: "alpha" },
        ...{ from: ["far"], pattern: parseEventPattern("*") },
      },
    ]),
    tenants: new Map([["alpha", "default"]]),
    nodes: new Map([["alpha", new Set(["kitchen"])]]),
    foreignTenant: (subnet) => (subnet === "far" ? foreignTenant : undefined),
    signatures: new Signatures(),
    clearance: new Clearance(new Map(), () => []),
    direction: "down",
    subnet: "alpha",
  });
}

function stored(tenant: string): Msg {
  const { headers, body } = messageOfEnvelope(envelopeOf({ tenant }));
  const entries = Object.entries(headers);
  return {
    subject: SUBJECT,
    data: body,
    headers: Object.assign(new Map(entries.map(([name, value]) => [name, [value]])), {
      get: (name: string) => headers[name] ?? "",
    }),
  } as unknown as Msg;
}

describe("the downlink of an event of another region", () => {
  test("takes one of the tenant that the file gives to that region", () => {
    expect(downlink("west").admit(stored("west"), undefined, 0).envelope.tenant).toBe("west");
  });

  test("refuses one of another tenant, which waited while the file changed", () => {
    expect(() => downlink("west").admit(stored("east"), undefined, 0)).toThrow(
      "its subnet is of tenant west",
    );
  });

  test("refuses one of a region that the file no longer names", () => {
    expect(() => downlink(undefined).admit(stored("west"), undefined, 0)).toThrow(
      "the mesh has no subnet far",
    );
  });
});
