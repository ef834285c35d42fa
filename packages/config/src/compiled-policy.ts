import type { PolicyRule } from "@adaos/core";
import { z } from "zod";
import { patternSchema } from "./policy-rule.ts";

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const effect = z.enum(["allow", "deny"]);
const id = z.string().min(1).max(256);

/** One holder's rules for one verb, as effect, pattern and id, in their order. */
const holderSchema = z.strictObject({
  verb: z.enum(["publish", "subscribe", "export", "import"]),
  subnet: name,
  node: name.optional(),
  from: z.array(name).optional(),
  rules: z.array(
    z.union([
      z.tuple([effect, patternSchema, id]),
      z.tuple([z.literal("deny"), patternSchema, id, z.literal("unregistered")]),
    ]),
  ),
});

/** Compiled rules as node files store them: a mesh may have ten thousand. */
export const compiledPolicySchema: z.ZodType<PolicyRule[], CompiledPolicyText> = z
  .array(holderSchema)
  .transform((holders) =>
    holders.flatMap(({ verb, subnet, node, from, rules }) =>
      rules.map(
        ([effect, pattern, id, unregistered]): PolicyRule => ({
          id,
          effect,
          verb,
          subnet,
          ...(node === undefined ? {} : { node }),
          ...(from === undefined ? {} : { from }),
          pattern,
          ...(unregistered === undefined ? {} : { unregistered: true }),
        }),
      ),
    ),
  );

type CompiledPolicyText = z.input<typeof holderSchema>[];

/** Compiled rules in the form of a node file. */
export function compiledPolicyText(rules: readonly PolicyRule[]): CompiledPolicyText {
  const holders = new Map<string, CompiledPolicyText[number]>();
  for (const { id, effect, verb, subnet, node, from, pattern, unregistered } of rules) {
    const key = JSON.stringify([verb, subnet, node, from]);
    const about = {
      verb,
      subnet,
      ...(node === undefined ? {} : { node }),
      ...(from === undefined ? {} : { from: [...from] }),
    };
    const holder = holders.get(key) ?? { ...about, rules: [] };
    holders.set(key, holder);
    if (unregistered === true) holder.rules.push(["deny", pattern.text, id, "unregistered"]);
    else holder.rules.push([effect, pattern.text, id]);
  }
  return [...holders.values()];
}
