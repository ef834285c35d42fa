import { MeshError } from "@adaos/core";
import type { DatabaseType } from "../events/environment.ts";
import type { OpenProbe, ProbeTarget } from "./driver.ts";
import { probeLibSql, probeSqlite } from "./libsql.ts";
import { probeHttp, probeNats, probeTcp } from "./network.ts";
import { probePostgresql } from "./postgresql.ts";
import { probeRedis } from "./redis.ts";

interface Driver {
  /** The schemes with which URLs of this type begin. */
  readonly schemes: readonly string[];
  readonly open: (target: ProbeTarget) => OpenProbe;
}

const DRIVERS: Readonly<Record<DatabaseType, Driver>> = {
  postgresql: { schemes: ["postgresql:", "postgres:"], open: probePostgresql },
  redis: { schemes: ["redis:", "rediss:"], open: probeRedis },
  sqlite: { schemes: [], open: probeSqlite },
  turso: { schemes: ["libsql:", "https:", "http:", "wss:", "ws:"], open: probeLibSql },
  nats: { schemes: ["nats:", "tls:"], open: probeNats },
  http: { schemes: ["http:", "https:"], open: probeHttp },
  tcp: { schemes: ["tcp:"], open: probeTcp },
};

/**
 * Opens connections to a place, with its driver loaded. Throws `invalid-config`, and never names the URL, which may
 * hold a password.
 */
export function openProbe(name: string, type: DatabaseType, target: ProbeTarget): OpenProbe {
  const { schemes, open } = DRIVERS[type];
  if (schemes.length > 0) {
    const scheme = URL.canParse(target.url) ? new URL(target.url).protocol : "";
    if (!schemes.includes(scheme))
      throw new MeshError(
        "invalid-config",
        `probe ${name}: the URL of ${type} begins with ${schemes.map((one) => `${one}//`).join(" or ")}`,
      );
  }
  return open(target);
}
