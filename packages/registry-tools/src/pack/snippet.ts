import { formatEventRef } from "@adaos/core";
import { REQUIRED_ENVELOPE_FIELDS } from "@adaos/core/wire";
import { typeScriptLiteral } from "./inert-text.ts";
import type { ReadContract } from "./read-contract.ts";

/** The other contract of a pair: a command's reply, or a reply's command. */
export type Partner = ReadContract | undefined;

/** The partner of each event. Pure. */
export function partnersOf(contracts: readonly ReadContract[]): ReadonlyMap<string, Partner> {
  const byRef = new Map(contracts.map((one) => [one.ref, one]));
  return new Map(
    contracts.map(({ ref, record: { kind, name, version } }) => {
      const wanted = kind === "command" ? `${name}.result` : name.replace(/\.result$/, "");
      const other = kind === "event" ? undefined : byRef.get(formatEventRef(wanted, version));
      const isRight = other?.record.kind === (kind === "command" ? "reply" : "command");
      return [ref, isRight ? other : undefined];
    }),
  );
}

/**
 * A TypeScript module of `@adaos/client` for one event. It exports `example`, `publish` and `subscribe`. For a
 * command with a reply it exports `publish`, `request` and `answer`; for its reply `answer`. Pure.
 */
export function snippetOf(contract: ReadContract, partner: Partner): string {
  const { kind } = contract.record;
  const example = exampleText(contract);
  if (kind === "reply" && partner !== undefined)
    return moduleOf(
      ["Bus", "EventData", "Envelope", "Subscription"],
      [example, answerText(partner.ref, contract.ref)],
    );
  const publish = publishText(contract);
  const types = ["Bus", "EventData", "Published", "PublishOptions", "Subscription"];
  if (kind === "command" && partner !== undefined) {
    const own = [example, publish, requestText(contract, partner.ref), answerText(contract.ref, partner.ref)];
    return moduleOf([...types, "Envelope", "RequestOptions"], own);
  }
  return moduleOf([...types, "OnEvent"], [example, publish, subscribeText(contract.ref)]);
}

/** Fields of the envelope and headers that a publisher must give. */
export function neededOptions({ record }: ReadContract): {
  readonly idempotencyKey: boolean;
  readonly causationId: boolean;
  readonly headers: readonly string[];
} {
  const needed = record.required_headers.filter((header) => !REQUIRED_ENVELOPE_FIELDS.includes(header));
  return {
    idempotencyKey:
      record.semantics.idempotency_key === "idempotency_key" || needed.includes("idempotency_key"),
    causationId: needed.includes("causation_id"),
    headers: needed.filter((header) => header !== "idempotency_key" && header !== "causation_id"),
  };
}

function moduleOf(types: readonly string[], parts: readonly string[]): string {
  return `import type { ${types.toSorted().join(", ")} } from "@adaos/client";\n\n${parts.filter((part) => part !== "").join("\n")}`;
}

/** The shortest example suffices. */
function exampleText({ ref, examples }: ReadContract): string {
  const [shortest] = examples
    .map(({ data }) => typeScriptLiteral(data))
    .toSorted((a, b) => a.length - b.length);
  return shortest === undefined ? "" : `export const example: EventData<"${ref}"> = ${shortest};\n`;
}

function publishText(contract: ReadContract): string {
  const { ref } = contract;
  return `export function publish(
  bus: Bus,
  data: EventData<"${ref}">,
  options: ${optionsType(contract, "PublishOptions")},
): Promise<Published> {
  return bus.publish("${ref}", data, options);
}
`;
}

function requestText(contract: ReadContract, reply: string): string {
  const { ref } = contract;
  return `/** Asks, and waits for the reply. */
export function request(
  bus: Bus,
  data: EventData<"${ref}">,
  options: ${optionsType(contract, "RequestOptions")},
): Promise<Envelope<EventData<"${reply}">>> {
  return bus.request("${ref}", data, options);
}
`;
}

function subscribeText(ref: string): string {
  return `export function subscribe(
  bus: Bus,
  durable: string,
  onEvent: OnEvent<EventData<"${ref}">>,
): Promise<Subscription> {
  return bus.subscribe("${ref}", { durable }, onEvent);
}
`;
}

function answerText(command: string, reply: string): string {
  return `/** What \`handle\` returns is the reply, ${reply}. */
export function answer(
  bus: Bus,
  durable: string,
  handle: (event: Envelope<EventData<"${command}">>) => Promise<EventData<"${reply}">>,
): Promise<Subscription> {
  return bus.subscribe("${command}", { durable }, handle);
}
`;
}

function optionsType(contract: ReadContract, base: "PublishOptions" | "RequestOptions"): string {
  const { idempotencyKey, causationId, headers } = neededOptions(contract);
  const fields = [
    ...(idempotencyKey ? ["idempotencyKey: string"] : []),
    ...(causationId ? ["causationId: string"] : []),
    ...(headers.length === 0
      ? []
      : [`headers: Record<${headers.map((one) => JSON.stringify(one)).join(" | ")}, string>`]),
  ];
  return fields.length === 0 ? `${base} = {}` : `${base} & { ${fields.join("; ")} }`;
}
