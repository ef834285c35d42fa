import { invalid } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { escapePointer, messageOf, quote } from "@adaos/core/wire";
import { isObject, type JsonObject } from "@adaos/json-schema";
import { DRAFT_07, type FoundContract, type FoundContracts, MAX_CONTRACTS } from "./found-contract.ts";
import type { SourceDocument } from "./source-document.ts";

/** Longest chain of references; a longer one is a loop. */
const MAX_HOPS = 20;
const JSON_SCHEMA = /^application\/(vnd\.aai\.asyncapi|schema)(\+json|\+yaml)?(\s*;.*)?$/;
const HEADER = /^[a-z][a-z0-9_-]{0,63}$/;

interface Node {
  readonly value: JsonObject;
  readonly pointer: string;
}

/**
 * The messages of an AsyncAPI document, version 2 or 3. Pure. Throws `invalid-config` with every problem and its
 * place.
 */
export function findAsyncApi(document: SourceDocument): FoundContracts {
  const version = String(document.value["asyncapi"]);
  if (!/^[23]\.\d/.test(version))
    throw new MeshError(
      "invalid-config",
      `${document.at(["asyncapi"])} is version ${quote(version)}; known are 2 and 3`,
    );
  const reader = new AsyncApiReader(document);
  const contracts = reader.contracts(version.startsWith("2"));
  if (contracts.length > MAX_CONTRACTS)
    throw new MeshError("usage", `more than ${MAX_CONTRACTS} messages; import them in parts`);
  return {
    contracts,
    documents: new Map([[document.file, document.value]]),
    defaultSchema: DRAFT_07,
    notes: [],
  };
}

class AsyncApiReader {
  readonly #document: SourceDocument;
  readonly #problems: string[] = [];
  /** Messages with their names in the document, by pointer. */
  readonly #messages = new Map<string, { readonly node: Node; readonly called: string }>();

  constructor(document: SourceDocument) {
    this.#document = document;
  }

  contracts(isVersion2: boolean): FoundContract[] {
    const root = { value: this.#document.value, pointer: "" };
    for (const [name, channel] of this.#entries(this.#child(root, "channels"))) {
      if (isVersion2) this.#takeOperations(name, channel);
      else
        for (const [id, message] of this.#entries(this.#child(channel, "messages"))) this.#take(id, message);
    }
    // A message outside all channels may still be published one day.
    const components = this.#child(root, "components");
    for (const [id, message] of this.#entries(components && this.#child(components, "messages")))
      this.#take(id, message);
    const found = [...this.#messages.values()].flatMap(({ node, called }) => {
      const contract = this.#contract(node, called);
      return contract === undefined ? [] : [contract];
    });
    if (this.#problems.length > 0) throw invalid(this.#problems, (told) => told);
    return found;
  }

  /** Version 2: a channel has operations, each with one message or several under `oneOf`. */
  #takeOperations(channel: string, node: Node): void {
    for (const verb of ["publish", "subscribe"]) {
      const operation = this.#child(node, verb);
      const message = operation && this.#child(operation, "message");
      if (message === undefined) continue;
      const list = message.value["oneOf"];
      if (!Array.isArray(list)) this.#take(channel, message);
      else
        for (const i of list.keys()) {
          const one = this.#resolve({ value: list[i], pointer: `${message.pointer}/oneOf/${i}` });
          if (one !== undefined) this.#take(channel, one);
        }
    }
  }

  #take(fallback: string, node: Node): void {
    if (this.#messages.has(node.pointer)) return;
    const { name, messageId } = node.value;
    const key = /^\/components\/messages\/([^/]+)$/.exec(node.pointer)?.[1];
    const called =
      [name, messageId, key].find((text): text is string => typeof text === "string" && text !== "") ??
      fallback;
    this.#messages.set(node.pointer, { node, called });
  }

  #contract({ value, pointer }: Node, called: string): FoundContract | undefined {
    let schemaAt = `${pointer}/payload`;
    let { payload, schemaFormat } = value;
    if (isObject(payload) && payload["schema"] !== undefined && typeof payload["schemaFormat"] === "string") {
      schemaFormat = payload["schemaFormat"];
      payload = payload["schema"];
      schemaAt += "/schema";
    }
    if (schemaFormat !== undefined && !JSON_SCHEMA.test(String(schemaFormat)))
      return this.#fail(
        `${pointer}/schemaFormat`,
        `has the schemaFormat ${quote(String(schemaFormat))}: only JSON Schema can be a contract`,
      );
    if (!isObject(payload))
      return this.#fail(pointer, `the message ${quote(called)} has no payload, so it has no contract`);
    const { summary, title, description, examples } = value;
    const texts = [summary, title, description];
    return {
      called,
      at: this.#at(pointer),
      summary: texts.find((text): text is string => typeof text === "string" && text.trim() !== ""),
      schema: { kind: "placed", source: { file: this.#document.file, pointer: schemaAt } },
      examples: [
        ...(Array.isArray(examples) ? examples : []).flatMap((one: unknown) =>
          isObject(one) && one["payload"] !== undefined ? [one["payload"]] : [],
        ),
        ...(Array.isArray(payload["examples"]) ? payload["examples"] : []),
      ],
      requiredHeaders: this.#requiredHeaders({ value, pointer }),
    };
  }

  #requiredHeaders(message: Node): string[] {
    const required = this.#child(message, "headers")?.value["required"];
    return (Array.isArray(required) ? required : [])
      .map((name) => String(name).toLowerCase())
      .filter((name) => HEADER.test(name));
  }

  #entries(node: Node | undefined): [string, Node][] {
    if (node === undefined) return [];
    return Object.keys(node.value).flatMap((key): [string, Node][] => {
      const child = this.#child(node, key);
      return child === undefined ? [] : [[key, child]];
    });
  }

  #child({ value, pointer }: Node, key: string): Node | undefined {
    const held = Object.hasOwn(value, key) ? value[key] : undefined;
    if (held === undefined || held === null) return undefined;
    return this.#resolve({ value: held, pointer: `${pointer}/${escapePointer(key)}` });
  }

  /** The value, or the target of its reference. */
  #resolve(from: { readonly value: unknown; readonly pointer: string }): Node | undefined {
    let { value, pointer } = from;
    for (let hops = 0; isObject(value) && typeof value["$ref"] === "string"; hops++) {
      const ref = value["$ref"];
      if (!ref.startsWith("#/"))
        return this.#fail(pointer, `refers to ${quote(ref)}; nothing is fetched, bundle the document first`);
      if (hops >= MAX_HOPS) return this.#fail(pointer, `refers in a circle: ${quote(ref)}`);
      pointer = ref.slice(1);
      value = this.#follow(pointer);
      if (value === undefined) return this.#fail(from.pointer, `refers to nothing: ${quote(ref)}`);
    }
    if (isObject(value)) return { value, pointer };
    return this.#fail(pointer, "must be a map");
  }

  #follow(pointer: string): unknown {
    let value: unknown = this.#document.value;
    for (const key of keysOf(pointer)) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as JsonObject)[key];
    }
    return value;
  }

  #fail(pointer: string, problem: string): undefined {
    this.#problems.push(`${this.#at(pointer)} ${problem}`);
    return undefined;
  }

  #at(pointer: string): string {
    try {
      return this.#document.at(keysOf(pointer).map((key) => (/^\d+$/.test(key) ? Number(key) : key)));
    } catch (thrown) {
      return `${this.#document.file} (${messageOf(thrown)})`;
    }
  }
}

function keysOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}
