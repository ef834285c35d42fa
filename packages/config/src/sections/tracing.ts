import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { z } from "zod";
import { assertPrivate } from "../files/secret-file.ts";

const url = z
  .url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" })
  // Also for a text that is not a URL.
  .refine((text) => !/^[a-z]+:\/\/[^/]*@/.test(text), "must contain no password");

const langfuseSchema = z
  .strictObject({
    host: url.default("https://cloud.langfuse.com").describe("address of LangFuse"),
    keyFile: z
      .string()
      .min(1)
      .describe("file of mode 0600 with the project's keys as <public key>:<secret key>"),
    components: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9/_.-]{0,126}$/))
      .min(1)
      .max(100)
      .describe(
        "components (named by programs when they connect) or nodes whose spans are sent: agent, alpha/kitchen",
      ),
  })
  .describe("sends spans of some components to LangFuse too");

/** `tracing` of a mesh file and of a node file. */
export const tracingSchema = z
  .strictObject({
    sample: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        "share of the traces that begin here; other traces follow the decision of their beginning; default 1",
      ),
    otlp: url
      .optional()
      .describe(
        "target of spans by OTLP over HTTP: http://127.0.0.1:4318; OpenTelemetry's variables override it",
      ),
    langfuse: langfuseSchema.optional(),
  })
  .optional()
  .describe("spans and their targets; nothing is traced without otlp, langfuse or an OTEL variable");

export type Tracing = NonNullable<z.output<typeof tracingSchema>>;

/** With paths that are absolute. Pure. */
export function resolvedTracing(tracing: Tracing | undefined, dir: string): Tracing | undefined {
  if (tracing?.langfuse === undefined) return tracing;
  const { langfuse } = tracing;
  return { ...tracing, langfuse: { ...langfuse, keyFile: resolve(dir, langfuse.keyFile) } };
}

/** The project's keys, in the form of HTTP's Basic scheme before encoding. Throws `invalid-config`. */
export function readLangfuseKeys(file: string): string {
  assertPrivate(file);
  let keys: string;
  try {
    keys = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `the LangFuse keys in ${file} cannot be read`);
  }
  if (/^[!-9;-~]+:[!-9;-~]+$/.test(keys)) return keys;
  throw new MeshError("invalid-config", `${file} must hold <public key>:<secret key> in one line`);
}
