import { localTimeOf, messageOf } from "@adaos/core/wire";
import type { ASTNode } from "@marcbachmann/cel-js";
import { patternOf, REPLACED } from "./environment.ts";
import { ExpressionError } from "./expression-error.ts";
import { childrenOf } from "./field-paths.ts";

const MACROS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** An expression as it is run, with what is not bounded replaced. */
export interface Secured {
  readonly text: string;
  /** The offset in the written expression. */
  readonly offsetOf: (offset: number) => number;
}

interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly text: string;
}

/**
 * Counts the elements that macros visit, and replaces methods that are slow or depend on the machine. Throws
 * {@link ExpressionError} for what cannot be bounded. Pure.
 */
export function secured(text: string, ast: ASTNode): Secured {
  const edits = editsOf(text, ast).toSorted((a, b) => a.at - b.at);
  let result = "";
  let from = 0;
  for (const { at, removed, text: added } of edits) {
    result += text.slice(from, at) + added;
    from = at + removed;
  }
  return { text: result + text.slice(from), offsetOf: (offset) => written(edits, offset) };
}

function written(edits: readonly Edit[], offset: number): number {
  let shift = 0;
  for (const { at, removed, text } of edits) {
    if (at + shift >= offset) break;
    shift += text.length - removed;
  }
  return Math.max(0, offset - shift);
}

/** A pattern or zone that is written out is checked before it is needed. */
function assertLiteral(method: string, [literal]: readonly ASTNode[]): void {
  if (literal?.op !== "value" || typeof literal.args !== "string") return;
  try {
    if (method === "matches") patternOf(literal.args);
    else if (method.startsWith("get")) localTimeOf(0, literal.args);
  } catch (thrown) {
    throw new ExpressionError(messageOf(thrown), literal.start);
  }
}

function editsOf(text: string, node: ASTNode): Edit[] {
  const inner = childrenOf(node).flatMap((child) => editsOf(text, child));
  if (node.op !== "rcall") return inner;
  const [method, receiver, given] = node.args;
  if (method === "bind")
    throw new ExpressionError("bind is not supported; write the value twice", node.start);
  assertLiteral(method, given);
  const other = REPLACED.get(`${method}/${given.length}`);
  const at = text.indexOf(method, receiver.end);
  const renamed = other === undefined ? [] : [{ at, removed: method.length, text: other }];
  const counted = MACROS.has(method)
    ? [
        { at: receiver.start, removed: 0, text: "bounded(" },
        { at: receiver.end, removed: 0, text: ")" },
      ]
    : [];
  return [...counted, ...inner, ...renamed];
}
