import type { JsonObject } from "./schema-document.ts";

/** Compiling follows schemas and references on the stack. */
const MAX_WAY = 500;
/** A reference that occurs twice in each of twenty schemas makes a million. */
const MAX_COST = 100_000;

interface Way {
  readonly to: JsonObject;
  /** Whether the target applies to the same place in the data: the step consumes no data. */
  readonly inPlace: boolean;
}

/** The edges between schemas, by nesting or reference. It finds paths that never end, or nearly so. */
export class SchemaGraph {
  readonly #ways = new Map<JsonObject, Way[]>();

  add(from: JsonObject, to: JsonObject, inPlace: boolean): void {
    const ways = this.#ways.get(from);
    if (ways === undefined) this.#ways.set(from, [{ to, inPlace }]);
    else ways.push({ to, inPlace });
  }

  /** The first schema from which validation would not end in time, and why; or undefined. */
  problem(): { readonly schema: JsonObject; readonly told: string } | undefined {
    const costs = new Map<JsonObject, number>();
    const reached = new Set<JsonObject>();
    for (const schema of this.#ways.keys()) {
      if (!this.#ends(schema, 0, reached))
        return { schema, told: `leads on through more than ${MAX_WAY} schemas` };
    }
    for (const schema of this.#ways.keys()) {
      if (this.#costOf(schema, 0, costs) === Number.POSITIVE_INFINITY)
        return { schema, told: "refers in a circle, without a step into the data" };
      if ((costs.get(schema) ?? 0) > MAX_COST)
        return { schema, told: `stands for more than ${MAX_COST} schemas, by references to references` };
    }
    return undefined;
  }

  /** Number of schemas for the same place in the data. A schema that leads to itself has no finite cost. */
  #costOf(schema: JsonObject, depth: number, costs: Map<JsonObject, number>): number {
    const known = costs.get(schema);
    if (known !== undefined) return known;
    if (depth > MAX_WAY) return MAX_COST;
    costs.set(schema, Number.POSITIVE_INFINITY);
    let cost = 1;
    for (const { to, inPlace } of this.#ways.get(schema) ?? [])
      if (inPlace) cost += this.#costOf(to, depth + 1, costs);
    costs.set(schema, cost);
    return cost;
  }

  #ends(schema: JsonObject, depth: number, reached: Set<JsonObject>): boolean {
    if (reached.has(schema)) return true;
    if (depth > MAX_WAY) return false;
    reached.add(schema);
    return (this.#ways.get(schema) ?? []).every(({ to }) => this.#ends(to, depth + 1, reached));
  }
}
