import { MeshError } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import type { z } from "zod";

/** Checks a member's request. Throws `usage` with the wrong field. @param what For the message: `the request`. */
export function parseRequest<T>(schema: z.ZodType<T>, request: unknown, what: string): T {
  const checked = schema.safeParse(request);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new MeshError(
    "usage",
    `${what} is wrong at ${quote(issue?.path.join(".") ?? "")}: ${issue?.message}`,
  );
}
