import { messageOf } from "@adaos/core/wire";

/** Why an expression is none, or has no value. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
  /** Offset in the expression. */
  readonly offset: number;

  constructor(message: string, offset = 0) {
    super(message);
    this.offset = offset;
  }
}

/** An error of the library, without its drawing of the place. @param offsetOf From its offset to that in the file. */
export function expressionError(
  thrown: unknown,
  offsetOf: (offset: number) => number = (offset) => offset,
): ExpressionError {
  if (thrown instanceof ExpressionError) return thrown;
  const { summary, range } = thrown as { summary?: unknown; range?: { start: number } };
  const message = typeof summary === "string" ? summary : messageOf(thrown);
  return new ExpressionError(message.split("\n")[0] ?? message, offsetOf(range?.start ?? 0));
}
