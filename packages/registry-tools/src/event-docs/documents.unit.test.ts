import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { HOSTILE, RICH, writtenRegistry } from "../../../../test/kit/written-registry.ts";
import { planDocuments } from "./build-event-docs.ts";

type Json = Record<string, unknown>;

const OURS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));

const REGISTRIES: readonly (readonly [string, () => Promise<string>])[] = [
  ["the project's registry", () => Promise.resolve(OURS)],
  ["a registry with all kinds of schemas", () => writtenRegistry(RICH)],
  ["a hostile registry", () => writtenRegistry(HOSTILE)],
  ["a registry without events", () => writtenRegistry([])],
];

async function documentOf(registry: string, name: string): Promise<{ text: string; json: Json }> {
  const output = join(registry, "docs");
  const files = await planDocuments({ registry, config: undefined, output, site: join(output, "site") });
  const text = files.get(join(output, name));
  if (text === undefined) throw new Error(`no ${name}`);
  return { text, json: parse(text) as Json };
}

/** The value at a path of keys. */
function at(value: unknown, ...keys: readonly string[]): Json {
  return keys.reduce((inner, key) => (inner as Json)[key] ?? {}, value) as Json;
}

/**
 * Validates by any schema within a document, by its pointer. It refuses an invalid schema, and a dangling
 * reference.
 */
function judgeIn(document: Json): (pointer: string, data: unknown) => string {
  const ajv = new Ajv2020({ strict: false, logger: false });
  addFormats.default(ajv as never);
  ajv.addSchema(document, "document", false, false);
  return (pointer, data) => {
    const schema = pointer
      .slice(1)
      .split("/")
      .reduce(
        (inner: unknown, key) => (inner as Json)[key.replaceAll("~1", "/").replaceAll("~0", "~")],
        document,
      );
    if (ajv.validateSchema(schema as Json) !== true) return ajv.errorsText(ajv.errors);
    return ajv.validate({ $ref: `document#${encodeURI(pointer)}` }, data) ? "" : ajv.errorsText(ajv.errors);
  };
}

function danglingIn(document: Json): string[] {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"(#[^"]+)"/g)].map(([, ref = ""]) => ref);
  return refs.filter((ref) => {
    const found = ref
      .slice(2)
      .split("/")
      .reduce((inner: unknown, key) => (inner as Json | undefined)?.[key.replaceAll("~1", "/")], document);
    return found === undefined;
  });
}

describe.each(REGISTRIES)("asyncapi.yaml of %s", (_name, make) => {
  test("is taken by AsyncAPI's own parser without an error", async () => {
    const { text } = await documentOf(await make(), "asyncapi.yaml");
    const { diagnostics, document } = await new Parser().parse(text);
    expect(diagnostics.filter(({ severity }) => severity <= 1)).toEqual([]);
    expect(document?.version()).toBe("3.0.0");
  });

  test("has only 2020-12 schemas, takes its examples, and no reference that leads nowhere", async () => {
    const { json } = await documentOf(await make(), "asyncapi.yaml");
    expect(danglingIn(json)).toEqual([]);
    const judge = judgeIn(json);
    for (const [key, message] of Object.entries(at(json, "components", "messages"))) {
      const pointer = `/components/messages/${key}/payload/schema`;
      for (const { payload } of ((message as Json)["examples"] ?? []) as { payload: Json }[]) {
        expect(judge(pointer, payload), key).toBe("");
        expect(judge(pointer, { ...payload, event_name: "other.event" }), key).toContain("event_name");
        expect(judge(pointer, { ...payload, event_id: 3 }), key).toContain("event_id");
      }
    }
    for (const key of Object.keys(at(json, "components", "schemas")))
      expect(judge(`/components/schemas/${key}/schema`, undefined), key).not.toMatch(
        /schema is invalid|can't resolve/,
      );
  });
});

describe("asyncapi.yaml", () => {
  test("names subjects, parameters, operations and required headers", async () => {
    const { json } = await documentOf(await writtenRegistry(RICH), "asyncapi.yaml");
    expect(at(json, "channels", "lab.sample.weighed.v2")["address"]).toBe(
      "evt.{subnet}.{node}.lab.sample.weighed.v2",
    );
    expect(at(json, "channels", "lab.sample.weigh.result.v1")["address"]).toMatch(
      /^rpy\..*\.lab\.sample\.weigh\.v1$/,
    );
    expect(at(json, "operations", "send.lab.sample.weigh.v1", "reply", "channel")).toEqual({
      $ref: "#/channels/lab.sample.weigh.result.v1",
    });
    const payload = at(json, "components", "messages", "lab.sample.weighed.v2", "payload", "schema");
    expect(payload["required"]).toEqual(["correlation_id"]);
    expect(at(payload, "properties", "headers")).toEqual({ required: ["site"] });
    expect(at(json, "components", "messages", "lab.sample.weighed.v1")).toMatchObject({
      "x-deprecated": true,
      "x-schema-version": "1.0.1",
    });
  });

  test("leaves out an example with a $ref, which readers would follow", async () => {
    const { json } = await documentOf(await writtenRegistry(RICH), "asyncapi.yaml");
    const { examples } = at(json, "components", "messages", "lab.sample.weigh.v1");
    expect((examples as Json[]).map(({ name }) => name)).toEqual(["one"]);
  });
});

describe.each(REGISTRIES)("commands/openapi.yaml of %s", (_name, make) => {
  test("is OpenAPI 3.1 to a validator that is not ours", async () => {
    const { text } = await documentOf(await make(), "commands/openapi.yaml");
    const validator = new Validator();
    expect(await validator.validate(text)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("has requests and replies whose schemas take their examples", async () => {
    const { json } = await documentOf(await make(), "commands/openapi.yaml");
    expect(danglingIn(json)).toEqual([]);
    const judge = judgeIn(json);
    for (const item of Object.values(json["paths"] as Json)) {
      const bodies = [at(item, "post", "requestBody"), at(item, "post", "responses", "200")];
      for (const { schema, examples } of bodies.map((body) => at(body, "content", "application/json"))) {
        for (const { value } of Object.values(examples ?? {}) as { value: unknown }[])
          expect(judge((schema as { $ref: string }).$ref.slice(1), value)).toBe("");
      }
    }
  });
});

describe("commands/openapi.yaml", () => {
  test("mirrors every command with its reply, and no event", async () => {
    const { json } = await documentOf(OURS, "commands/openapi.yaml");
    const paths = json["paths"] as Json;
    expect(Object.keys(paths)).toContain("/commands/repo.skill.install/v1");
    expect(JSON.stringify(paths)).not.toContain("ui.notify");
    const post = at(paths, "/commands/repo.skill.install/v1", "post");
    expect(at(post, "responses", "200", "content", "application/json", "schema")).toEqual({
      $ref: "#/components/schemas/repo.skill.install.result.v1",
    });
  });
});
