import { readFileSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { assertWithin, messageOf, originTokenProblem, quote } from "@adaos/core/wire";
import type { ProbeConnection } from "../drivers/driver.ts";
import {
  DATABASE_TYPES,
  type DatabaseType,
  type Environment,
  parseEnvironment,
} from "../events/environment.ts";

/** The target of a probe, and how it looks. Exactly one of `url`, `urlEnv`, `urlFile` and `open` names the target. */
export interface ProbeOptions {
  readonly type: DatabaseType;
  /** `postgres://…`, `redis://…`, `libsql://…`, `nats://…`, `http://…`, `tcp://host:port`; of SQLite the file. */
  readonly url?: string | undefined;
  /** Environment variable that holds the URL. It is read at each connection. */
  readonly urlEnv?: string | undefined;
  /** File that holds the URL. It is read at each connection. */
  readonly urlFile?: string | undefined;
  /** Makes a connection of your own, by a driver or pool that the program has already. */
  readonly open?: (() => ProbeConnection) | undefined;
  /** Where it serves: production, staging, local or development. @default `ADAOS_ENV`, else local */
  readonly environment?: Environment | string | undefined;
  /** From the end of a look to the next one, ±10 %; 100 to 86400000. @default 30000 */
  readonly intervalMs?: number | undefined;
  /** Longest wait for a connection, and again for an answer; 10 to 600000. @default 5000 */
  readonly timeoutMs?: number | undefined;
  /** An answer that takes as long is degraded. @default 100 */
  readonly degradedMs?: number | undefined;
  /** An answer that takes as long is unhealthy. @default 200 */
  readonly unhealthyMs?: number | undefined;
  /** The pool size of the service that events report; 1 to 100000. @default 1 */
  readonly connectionPoolSize?: number | undefined;
  /** Whether `bus.probe` rejects when the first look finds no connection. @default false */
  readonly failFast?: boolean | undefined;
}

/** Options with nothing left open. */
export interface ResolvedProbe {
  readonly type: DatabaseType;
  readonly environment: Environment;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly degradedMs: number;
  readonly unhealthyMs: number;
  readonly connectionPoolSize: number;
  readonly failFast: boolean;
  /** Reads where to look. Throws `invalid-config`. Nothing: `open` of the caller says. */
  readonly readUrl: (() => string) | undefined;
  readonly open: (() => ProbeConnection) | undefined;
}

/** Resolves the options of a probe. Throws `usage` or `invalid-config`. */
export function resolveProbe(
  name: string,
  options: ProbeOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedProbe {
  const problem = originTokenProblem(name);
  if (problem !== undefined) throw new MeshError("usage", `the name of a probe, ${quote(name)}, ${problem}`);
  const { type, url, urlEnv, urlFile, open } = options;
  if (!DATABASE_TYPES.includes(type))
    throw new MeshError("usage", `probe ${name}: type must be one of ${DATABASE_TYPES.join(", ")}`);
  const places = [url, urlEnv, urlFile, open].filter((place) => place !== undefined);
  if (places.length !== 1)
    throw new MeshError("usage", `probe ${name} needs exactly one of url, urlEnv, urlFile and open`);
  const { intervalMs = 30_000, timeoutMs = 5000, degradedMs = 100, unhealthyMs = 200 } = options;
  const { connectionPoolSize = 1, failFast = false } = options;
  assertWithin("intervalMs", intervalMs, 100, 86_400_000);
  assertWithin("timeoutMs", timeoutMs, 10, 600_000);
  assertWithin("unhealthyMs", unhealthyMs, 1, 600_000);
  assertWithin("degradedMs", degradedMs, 1, unhealthyMs);
  assertWithin("connectionPoolSize", connectionPoolSize, 1, 100_000);
  const environment = parseEnvironment(options.environment ?? env["ADAOS_ENV"]);
  const timing = { intervalMs, timeoutMs, degradedMs, unhealthyMs };
  const readUrl = open === undefined ? () => urlOf(name, options, env) : undefined;
  return { type, environment, ...timing, connectionPoolSize, failFast, readUrl, open };
}

const MAX_URL_LENGTH = 4096;

function urlOf(
  name: string,
  { url, urlEnv, urlFile }: ProbeOptions,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const read = url ?? (urlEnv === undefined ? readUrlFile(name, urlFile ?? "") : env[urlEnv]);
  if (read === undefined || read === "") {
    const place = urlEnv === undefined ? "its file" : `the environment variable ${urlEnv}`;
    throw new MeshError("invalid-config", `probe ${name}: ${place} holds no URL`);
  }
  if (read.length > MAX_URL_LENGTH)
    throw new MeshError("invalid-config", `probe ${name}: its URL is longer than ${MAX_URL_LENGTH}`);
  return read;
}

function readUrlFile(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    const why = `probe ${name}: ${file} cannot be read: ${messageOf(cause)}`;
    throw new MeshError("invalid-config", why, { cause });
  }
}
