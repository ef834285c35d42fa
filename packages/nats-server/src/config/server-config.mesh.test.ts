import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection, nkeyAuthenticator, nkeys } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../../../../test/kit/free-port.ts";
import { until } from "../../../../test/kit/mesh.ts";
import { ensureNatsServer } from "../install/ensure.ts";
import { renderConf } from "./conf.ts";
import { ServerConfig } from "./server-config.ts";

const system = nkeys.createUser();

let dir: string;
let file: string;
let server: ChildProcess;
let port: number;
let connection: NatsConnection;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-server-config-"));
  file = join(dir, "root.conf");
  port = await freePort();
  writeFileSync(file, confWith(nkeys.createUser().getPublicKey()));
  const { path } = await ensureNatsServer();
  server = spawn(path, ["-c", file], { stdio: "ignore" });
  await until("it listens", () =>
    dial(system).then(
      (open) => {
        connection = open;
        return true;
      },
      () => false,
    ),
  );
});
afterEach(async () => {
  await connection.close();
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill();
  await ended;
  rmSync(dir, { recursive: true });
});

function dial(key: ReturnType<typeof nkeys.createUser>): Promise<NatsConnection> {
  return connect({ port, authenticator: nkeyAuthenticator(key.getSeed()), reconnect: false });
}

/** A config that admits the system's user and the holder of one key. */
function confWith(key: string): string {
  return renderConf({
    host: "127.0.0.1",
    port,
    system_account: "SYS",
    accounts: {
      SYS: { users: [{ nkey: system.getPublicKey() }] },
      MESH: { users: [{ nkey: key }] },
    },
  });
}

describe("ServerConfig.enforce()", () => {
  test("puts the old file back when the server refuses a config, and the server goes on and takes the next", async () => {
    const config = new ServerConfig(file, connection);
    const first = nkeys.createUser();
    const good = confWith(first.getPublicKey());
    await config.enforce(() => good);
    for (const broken of [confWith(`U${"A".repeat(55)}`), `${good}\naccounts: {`]) {
      await expect(config.enforce(() => broken)).rejects.toMatchObject({ code: "invalid-config" });
      expect(readFileSync(file, "utf8")).toBe(good);
      await (await dial(first)).close();
    }
    expect(readdirSync(dir)).toEqual(["root.conf"]);
    const second = nkeys.createUser();
    await config.enforce(() => confWith(second.getPublicKey()));
    await (await dial(second)).close();
    await expect(dial(first)).rejects.toThrow();
  });
});
