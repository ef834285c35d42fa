import { nearest, RecentMap } from "@adaos/core/wire";
import type { Environment, ObjectSchema } from "@marcbachmann/cel-js";
import { environmentOf, VARIABLES } from "../cel/environment.ts";
import { expressionOf } from "../cel/expression.ts";
import { ExpressionError, expressionError } from "../cel/expression-error.ts";
import type { FieldPath } from "../cel/field-paths.ts";
import type { Shape } from "./shapes.ts";

/** One meaning that a variable may have, and what gives it that meaning: `ui.notify@1`. */
export interface Meaning {
  readonly by: string;
  readonly shape: Shape;
}

/** What is known at the place of an expression. */
export interface Known {
  /** Each variable, with every meaning that it may have. */
  readonly variables: Readonly<Record<string, readonly Meaning[]>>;
  /** Paths that an earlier condition has asked for by `has()`. */
  readonly present: ReadonlySet<string>;
}

interface Finding {
  readonly severity: "error" | "warning";
  readonly message: string;
  /** In the expression. */
  readonly offset: number;
}

/** What is wrong with an expression, and the type of its value in CEL. */
export interface CheckedExpression {
  readonly findings: readonly Finding[];
  readonly type: string;
}

/** Checks an expression: its fields against schemas, its operators against the types of the fields. Pure. */
export function checkExpression(text: string, known: Known): CheckedExpression {
  let paths: readonly FieldPath[];
  try {
    paths = expressionOf(text).paths;
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return { findings: [error(hinted(thrown.message, known), thrown.offset)], type: "dyn" };
  }
  const guarded = new Set([...known.present, ...paths.filter((path) => path.isGuarded).map(textOf)]);
  const findings = paths.flatMap((path) => checkPath(path, known, guarded));
  if (findings.some(({ severity }) => severity === "error")) return { findings, type: "dyn" };
  const { valid, type, error: fault } = typedEnvironment(paths, known).check(text);
  if (valid) return { findings, type: type ?? "dyn" };
  const { message, offset } = expressionError(fault);
  return { findings: [...findings, error(message, offset)], type: "dyn" };
}

/** Paths that an expression asks for by `has()`: where it is true, they are there. Pure. */
export function guardsOf(text: string | undefined): string[] {
  try {
    const paths = text === undefined ? [] : expressionOf(text).paths;
    return paths.filter((path) => path.isGuarded).map(textOf);
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return [];
    throw thrown;
  }
}

/** As {@link checkExpression}, of a condition. Pure. */
export function checkCondition(text: string, known: Known): readonly Finding[] {
  const { findings, type } = checkExpression(text, known);
  if (type === "bool" || type === "dyn") return findings;
  return [...findings, error(`must be true or false, is of type ${type}`, 0)];
}

function error(message: string, offset: number): Finding {
  return { severity: "error", message, offset };
}

/** The library says which name it does not know, and not which it knows. */
function hinted(message: string, { variables }: Known): string {
  const [, unknown] = /^Unknown variable: (.*)$/.exec(message) ?? [];
  if (unknown === undefined) return message;
  const near = nearest(unknown, Object.keys(variables));
  const names = Object.keys(variables).join(", ");
  return `no variable ${unknown}; ${near === undefined ? `there are ${names}` : `did you mean ${near}?`}`;
}

function checkPath(path: FieldPath, { variables }: Known, guarded: ReadonlySet<string>): Finding[] {
  const { root, steps, offset } = path;
  const meanings = Object.hasOwn(variables, root) ? variables[root] : undefined;
  if (meanings === undefined) {
    // A constant of the language, such as google.protobuf.
    if (!Object.hasOwn(VARIABLES, root)) return [];
    return [error(`${root} is not known here; there are ${Object.keys(variables).join(", ")}`, offset)];
  }
  return meanings.flatMap(({ by, shape }): Finding[] => {
    let at = shape;
    for (const [i, step] of steps.entries()) {
      if (step.field === undefined) {
        at = at.item();
        continue;
      }
      const field = at.field(step.field);
      if (field.kind === "open") return [];
      const told = textOf({ root, steps: steps.slice(0, i + 1) });
      if (field.kind === "unknown") {
        // With several triggers, has() asks which of them it was.
        if (meanings.length > 1 && (path.isGuarded || guarded.has(told))) return [];
        return [
          error(`${told} is no field${by === "" ? "" : ` of ${by}`}${hintOf(step.field, at)}`, step.offset),
        ];
      }
      if (!field.isRequired && !path.isGuarded && !guarded.has(told)) {
        const message = `${told} may be missing${by === "" ? "" : ` in ${by}`}; ask has(${told}) first`;
        return [{ severity: "warning", message, offset: step.offset }];
      }
      at = field.shape;
    }
    return [];
  });
}

function hintOf(field: string, { known }: Shape): string {
  const near = nearest(field, known);
  if (near !== undefined) return `; did you mean ${near}?`;
  return known.length === 0 || known.length > 20 ? "" : `; there are ${known.join(", ")}`;
}

function textOf({ root, steps }: Pick<FieldPath, "root" | "steps">): string {
  return [root, ...steps.map(({ field }) => (field === undefined ? "[]" : `.${field}`))].join("");
}

interface Tree {
  readonly fields: Map<string, Tree>;
  /** Undefined: a map that is only passed through. */
  type: string | undefined;
}

/** An environment that knows the types of the fields that these paths read. */
function typedEnvironment(paths: readonly FieldPath[], { variables }: Known): Environment {
  const roots = new Map<string, Tree>();
  for (const { root, steps } of paths) {
    const meanings = (Object.hasOwn(variables, root) ? variables[root] : undefined) ?? [];
    const shapes = meanings.map(({ shape }) => shape);
    addPath(
      roots,
      root,
      steps.map(({ field }) => field),
      shapes,
    );
  }
  const types = Object.entries(VARIABLES).map(([name, type]) => {
    const tree = roots.get(name);
    return [name, type === "dyn" && tree !== undefined ? schemaOf(tree) : type] as const;
  });
  const key = JSON.stringify(types);
  const before = environments.get(key);
  if (before !== undefined) return before;
  const made = environmentOf((environment) => {
    for (const [name, schema] of types) {
      if (typeof schema === "string") environment.registerVariable(name, schema);
      else environment.registerVariable({ name, schema });
    }
  });
  environments.set(key, made);
  return made;
}

/** By the types of their variables: making one takes longer than a check. */
const environments = new RecentMap<string, Environment>(200);

function addPath(
  roots: Map<string, Tree>,
  root: string,
  fields: readonly (string | undefined)[],
  shapes: readonly Shape[],
): void {
  let tree = childOf(roots, root);
  let at: readonly (Shape | undefined)[] = shapes;
  for (const field of fields) {
    if (field === undefined) break;
    tree = childOf(tree.fields, field);
    at = at.map((shape) => {
      const found = shape?.field(field);
      return found?.kind === "found" ? found.shape : undefined;
    });
  }
  const types = new Set(at.map((shape) => listType(shape)));
  const [only = "dyn", second] = types;
  const type = second === undefined ? only : "dyn";
  tree.type = tree.type === undefined || tree.type === type ? type : "dyn";
}

function listType(shape: Shape | undefined): string {
  if (shape === undefined) return "dyn";
  if (shape.type === "map" || shape.type === "null") return "dyn";
  if (shape.type !== "list") return shape.type;
  const inner = shape.item().type;
  return ["string", "double", "bool"].includes(inner) ? `list<${inner}>` : "list";
}

function childOf(trees: Map<string, Tree>, name: string): Tree {
  const known = trees.get(name);
  if (known !== undefined) return known;
  const made: Tree = { fields: new Map(), type: undefined };
  trees.set(name, made);
  return made;
}

function schemaOf({ fields, type }: Tree): string | ObjectSchema {
  // A map that is also read as a whole has no type of its own.
  if (fields.size === 0 || type !== undefined) return fields.size === 0 ? (type ?? "dyn") : "dyn";
  return Object.fromEntries([...fields].map(([name, tree]) => [name, schemaOf(tree)]));
}
