import type { DomainPart } from "./domain-parts.ts";
import { estimateTokens, MAX_PART_TOKENS, TOKEN_RULE } from "./estimate-tokens.ts";
import { LLM_HINTS } from "./llm-hints.ts";

/**
 * The index of a pack, in the form of https://llmstxt.org: a title, a summary, lists of links. It names every
 * event. If that exceeds the limit of a part, it names only the first and the last of each part. Pure.
 * @param openApi Path of the document of the commands, if there is one.
 */
export function llmsTxt(parts: readonly DomainPart[], events: number, openApi: string | undefined): string {
  const whole = textOf(parts, events, openApi, (refs) => refs.join(", "));
  if (estimateTokens(whole) <= MAX_PART_TOKENS) return whole;
  return textOf(parts, events, openApi, (refs) =>
    refs.length < 3 ? refs.join(", ") : `${refs.length} events, ${refs[0]} to ${refs.at(-1)}`,
  );
}

function textOf(
  parts: readonly DomainPart[],
  events: number,
  openApi: string | undefined,
  named: (refs: readonly string[]) => string,
): string {
  const hints = estimateTokens(LLM_HINTS);
  const links = parts.map(
    ({ path, refs, tokens }) => `- [${path}](${path}): ${named(refs)}; about ${tokens} tokens`,
  );
  return `# Contract pack

> The contracts of ${events} events of AdaOS Mesh: for each its meaning, JSON Schema, examples, what is refused and with which error, and TypeScript that uses it.

Read prompts/llm_hints.md first, then the parts of the domains that you need: the first word of an event's name is its domain.
Each part has at most ${MAX_PART_TOKENS} tokens; ${TOKEN_RULE}.

## Rules

- [prompts/llm_hints.md](prompts/llm_hints.md): how to publish, subscribe, request and answer, and what to do about errors; about ${hints} tokens

## Domains

${links.join("\n")}

## For programs

- [registry.json](registry.json): every event with the paths of its files in this pack
- [registry.yaml](registry.yaml): the same for the mesh: this folder is a registry, of mesh.yaml (\`registry: .\`) and of \`adaos events validate --registry .\`
- [events.d.ts](events.d.ts): TypeScript types; include it, and publish and handlers are checked against the schemas
${openApi === undefined ? "" : `- [${openApi}](${openApi}): the commands with their replies as OpenAPI 3.1\n`}- [tsconfig.json](tsconfig.json): compiles the snippets
- [mesh.yaml](mesh.yaml): a mesh within one process to try them on: \`connect({ as: "here/me", mesh: "mesh.yaml" })\`

## Optional

- snippets/: one TypeScript module for each event
- schemas/: one JSON Schema for each event
- tests/fixtures/valid/: data that is right, by event
- tests/fixtures/invalid/: data that is wrong, with its event and the error that publishing it gives
`;
}
