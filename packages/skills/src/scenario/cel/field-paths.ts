import type { ASTNode } from "@marcbachmann/cel-js";

/** One step of a path: a field, or the elements of a list. */
export interface PathStep {
  /** Undefined: an element. */
  readonly field: string | undefined;
  /** Offset in the expression. */
  readonly offset: number;
}

/** A field that an expression reads, from one of its variables: `event.data.level`. */
export interface FieldPath {
  readonly root: string;
  readonly steps: readonly PathStep[];
  /** Its absence is no error: within `has()`, or read by `.?`. */
  readonly isGuarded: boolean;
  readonly offset: number;
}

const ITERATING: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** What a variable of a macro stands for. */
type Bound = ReadonlyMap<string, Chain | undefined>;
type Chain = Pick<FieldPath, "root" | "steps" | "offset">;

/** Every field that an expression reads. Pure. */
export function pathsOf(ast: ASTNode): FieldPath[] {
  const found: FieldPath[] = [];
  walk(ast, new Map(), false, found);
  return found;
}

function walk(node: ASTNode, bound: Bound, isGuarded: boolean, found: FieldPath[]): void {
  const chain = chainOf(node, bound);
  if (chain !== undefined) {
    found.push({ ...chain, isGuarded: isGuarded || hasOptional(node) });
    for (const index of indexesOf(node)) walk(index, bound, false, found);
    return;
  }
  if (node.op === "id") return;
  if (node.op === "call" && node.args[0] === "has") {
    for (const child of childrenOf(node)) walk(child, bound, true, found);
    return;
  }
  const [method, receiver, given] = node.op === "rcall" ? node.args : [];
  const variable = given?.[0]?.op === "id" ? given[0].args : undefined;
  if (method !== undefined && ITERATING.has(method) && receiver !== undefined && variable !== undefined) {
    walk(receiver, bound, isGuarded, found);
    const list = chainOf(receiver, bound);
    const item =
      list === undefined
        ? undefined
        : { ...list, steps: [...list.steps, { field: undefined, offset: receiver.start }] };
    const inner = new Map(bound).set(variable, item);
    for (const one of (given ?? []).slice(1)) walk(one, inner, false, found);
    return;
  }
  for (const child of childrenOf(node)) walk(child, bound, false, found);
}

/** A node as a path; undefined where it is none, or where nothing is known of its beginning. */
function chainOf(node: ASTNode, bound: Bound): Chain | undefined {
  if (node.op === "id") {
    if (bound.has(node.args)) return bound.get(node.args);
    return { root: node.args, steps: [], offset: node.start };
  }
  if (node.op === "." || node.op === ".?") {
    const [from, field] = node.args;
    const base = chainOf(from, bound);
    // The range of an access ends with the field's name.
    const offset = node.end - field.length;
    return base === undefined ? undefined : { ...base, steps: [...base.steps, { field, offset }] };
  }
  if (node.op === "[]" || node.op === "[?]") {
    const [from, index] = node.args;
    const base = chainOf(from, bound);
    const field = index.op === "value" && typeof index.args === "string" ? index.args : undefined;
    return base === undefined
      ? undefined
      : { ...base, steps: [...base.steps, { field, offset: index.start }] };
  }
  return undefined;
}

function hasOptional(node: ASTNode): boolean {
  if (node.op === ".?" || node.op === "[?]") return true;
  return node.op === "." || node.op === "[]" ? hasOptional(node.args[0]) : false;
}

/** Expressions within the brackets of a path. */
function indexesOf(node: ASTNode): ASTNode[] {
  if (node.op === "." || node.op === ".?") return indexesOf(node.args[0]);
  if (node.op !== "[]" && node.op !== "[?]") return [];
  return [...indexesOf(node.args[0]), ...(node.args[1].op === "value" ? [] : [node.args[1]])];
}

/** The nodes directly below a node. */
export function childrenOf(node: ASTNode): ASTNode[] {
  return (Array.isArray(node.args) ? node.args.flat(2) : [node.args]).filter(isNode);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}
