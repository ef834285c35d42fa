import { z } from "zod";

/** Content of a file of `invalid_examples`: wrong data, and the rule of the schema that it breaks. */
export interface InvalidExample {
  readonly error: {
    /** JSON pointer into `data`, also to a missing value; `""` is the data itself. */
    readonly pointer: string;
    /** Keyword of the schema: `required`, `type`, `enum`. */
    readonly keyword: string;
  };
  readonly data: unknown;
}

export const invalidExampleSchema: z.ZodType<InvalidExample> = z.strictObject({
  error: z.strictObject({ pointer: z.string().regex(/^(\/.*)?$/s), keyword: z.string().min(1) }),
  data: z.unknown().refine((data) => data !== undefined, "is missing"),
});
