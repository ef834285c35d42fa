import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMeshFile } from "@adaos/config";
import type { Message } from "@adaos/core";
import { replayOfStored, type Signatures } from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";
import { provision } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME } from "../../../test/kit/mesh.ts";
import { envelopeOf, meshErrorOf, messageOfEnvelope } from "../../../test/kit/stand-ins.ts";
import { operatorSignatures } from "./operator-signatures.ts";

const MESH = `
mesh: demo
registry: ${join(HOME, "schemas/events")}
subnets:
  alpha: { export: [ui.], signatures: { sign: k1 }, members: { kitchen: { publish: [ui.] } } }
  beta: { signatures: { sign: k1 }, members: { kitchen: { publish: [ui.] } } }
  gamma: { import: [ui.], signatures: { sign: k1 }, members: { kitchen: { subscribe: [ui.] } } }
`;

let dir: string;
let whole: Layout;
/** As it would be where gamma has joined. */
let joined: Layout;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-operator-"));
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, MESH);
  whole = await provision(readMeshFile(file), join(dir, "state"));
  joined = { ...whole, nodes: whole.nodes.filter(({ id }) => id.startsWith("gamma/")) };
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function publishedIn(subnet: string): Message {
  const envelope = envelopeOf();
  const message = messageOfEnvelope(envelope);
  const subject = message.subject.replace(".alpha.", `.${subnet}.`);
  return operatorSignatures(whole).sign(subnet, { ...message, subject }, envelope);
}

function replayed(message: Message, signatures: Signatures): Message {
  const stored = { ...message, stream: "EVENTS_gamma", seq: 1, storedAt: "2026-01-05T09:30:00Z" };
  return replayOfStored(stored, { node: "kitchen", durable: "all" }, "RPL-1", signatures);
}

describe("operatorSignatures()", () => {
  test.each(["alpha", "gamma"])("signs replays of what %s has signed where a hub has joined", (subnet) => {
    const again = replayed(publishedIn(subnet), operatorSignatures(joined));
    expect(operatorSignatures(whole).verify(subnet, again)).toMatchObject({ keyId: "k1" });
  });

  test("refuses what is signed with keys that are not there, instead of replaying it without a signature", () => {
    const message = publishedIn("beta");
    for (const nodes of [joined.nodes, joined.nodes.filter(({ role }) => role === "member")]) {
      const { code, message: told } = meshErrorOf(() =>
        replayed(message, operatorSignatures({ ...joined, nodes })),
      );
      expect([code, told]).toEqual(["denied", expect.stringMatching(/beta .*no key.*join with a new code/)]);
    }
    const unsigned = { ...message, headers: {} };
    expect(replayed(unsigned, operatorSignatures(joined)).headers).toEqual({});
    expect(
      operatorSignatures(whole).verify("beta", replayed(message, operatorSignatures(whole))),
    ).toBeDefined();
  });
});
