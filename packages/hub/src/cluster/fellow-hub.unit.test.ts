import type { HubFile } from "@adaos/config";
import type { OpenNode } from "@adaos/daemon";
import { expect, test } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import type { ServerGrants } from "../server-grants.ts";
import { FellowHub } from "./fellow-hub.ts";

const ignore = (): void => undefined;
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Rights that count how often they were put in force. */
function grantsOf(isKnown: boolean) {
  const grants = {
    isKnown,
    enforced: 0,
    setKeys: () => undefined,
    enforce: async () => void grants.enforced++,
  };
  return grants;
}

function hubOf(grants: ReturnType<typeof grantsOf>): {
  hub: FellowHub;
  system: ConnectionStandIn;
  file: HubFile;
} {
  const system = new ConnectionStandIn();
  const file = {
    ...{ subnet: "alpha", node: "hub-2", servers: 3, members: {}, policy: [], natsServer: {} },
  } as unknown as HubFile;
  const node = {
    ...{ config: file, path: (name: string) => name, name: "alpha/hub-2", log: SILENT },
    replaceRights: () => undefined,
  } as unknown as OpenNode<"hub">;
  const hub = new FellowHub({
    ...{ node, system, connection: new ConnectionStandIn(), positions: undefined },
    grants: grants as unknown as ServerGrants,
    openHub: () => Promise.reject(new Error("not its turn")),
  });
  return { hub, system, file };
}

test.each([
  ["does not know yet are not written over those that its server has", false, 0],
  ["knows are in force again at a restarted server, and with a changed file", true, 2],
])("the rights that a daemon %s", async (_, isKnown, times) => {
  const grants = grantsOf(isKnown);
  const { hub, system, file } = hubOf(grants);
  system.disconnect();
  system.reconnect();
  await hub.apply(file);
  expect(grants.enforced).toBe(times);
});
