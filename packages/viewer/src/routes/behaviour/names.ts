import { originTokenProblem } from "@adaos/core/wire";
import { z } from "zod";

/** A part of a name: of a subnet, a member, a timer, a skill or a scenario. It becomes part of subjects and paths. */
export const token: z.ZodType<string> = z.string().superRefine((text, context) => {
  const problem = originTokenProblem(text);
  if (problem !== undefined) context.addIssue(problem);
});

/** A switch in the body of a change: `{ "dry": true }` asks what would be done. */
export const dry: z.ZodType<boolean> = z.boolean().default(false);
