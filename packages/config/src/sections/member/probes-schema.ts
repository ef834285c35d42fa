import { resolve } from "node:path";
import { z } from "zod";
import { tokenOf } from "../../policy-rule.ts";

const types = ["postgresql", "redis", "sqlite", "turso", "nats", "http", "tcp"] as const;

const probeSchema = z
  .strictObject({
    type: z.enum(types).describe("kind of database or service"),
    url: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe("its address, without a password; for sqlite the path of the file, for tcp tcp://HOST:PORT"),
    urlEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "must be the name of an environment variable")
      .optional()
      .describe("environment variable of the member's daemon with the URL"),
    urlFile: z.string().min(1).optional().describe("file with the URL, relative to this file"),
    environment: z
      .string()
      .max(64)
      .optional()
      .describe("production, staging, local or development, in upper or lower case; other names mean local"),
    intervalMs: z
      .number()
      .int()
      .min(100)
      .max(86_400_000)
      .default(30_000)
      .describe("time between two looks, ±10 %"),
    timeoutMs: z.number().int().min(10).max(600_000).default(5000).describe("longest wait for an answer"),
    degradedMs: z.number().int().min(1).max(600_000).default(100).describe("slower answers are degraded"),
    unhealthyMs: z.number().int().min(1).max(600_000).default(200).describe("slower answers are unhealthy"),
    connectionPoolSize: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(1)
      .describe("size of the service's connection pool, as events report it"),
  })
  .superRefine((probe, context) => {
    const { url, urlEnv, urlFile, degradedMs, unhealthyMs } = probe;
    const issue = (key: string, message: string): void =>
      context.addIssue({ code: "custom", path: [key], message });
    const places = [url, urlEnv, urlFile].filter((place) => place !== undefined);
    if (places.length !== 1) issue("type", "needs exactly one of url, urlEnv and urlFile beside it");
    if (url !== undefined && holdsSecret(url))
      issue(
        "url",
        "holds a password or token; put it in a file (urlFile) or an environment variable (urlEnv)",
      );
    if (degradedMs > unhealthyMs) issue("degradedMs", "must not be more than unhealthyMs");
  });

/** The probes of a member's daemon, by name; also in its node file. */
export const probesSchema = z
  .record(tokenOf("probe"), probeSchema)
  .refine((probes) => Object.keys(probes).length <= 100, { message: "a member has at most 100 probes" })
  .describe("databases and services that the member's daemon probes; it needs publish: [infra.]");

export type DeclaredProbes = z.output<typeof probesSchema>;

/**
 * Whether a URL contains more than an address and a user: this file is shown, compared and kept in repositories.
 */
function holdsSecret(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password, protocol, searchParams } = new URL(url);
  // A single value before @ is a token in NATS.
  if (password !== "" || (username !== "" && protocol === "nats:")) return true;
  return [...searchParams.keys()].some((key) => /pass|pwd|token|secret|key|sig/i.test(key));
}

/** The same with relative paths made absolute. */
export function placedProbes(probes: DeclaredProbes | undefined, dir: string): DeclaredProbes | undefined {
  if (probes === undefined) return undefined;
  const placed = Object.entries(probes).map(([name, probe]) => {
    const { type, url, urlFile } = probe;
    const file = urlFile === undefined ? {} : { urlFile: resolve(dir, urlFile) };
    const path = type === "sqlite" && url !== undefined && !url.startsWith("file:") ? resolve(dir, url) : url;
    return [name, { ...probe, ...(path === undefined ? {} : { url: path }), ...file }] as const;
  });
  return Object.fromEntries(placed);
}
