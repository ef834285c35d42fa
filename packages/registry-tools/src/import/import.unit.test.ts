import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listContent, loadRegistry, openFolder } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeFiles, writeRight } from "../../../../test/kit/small-registry.ts";
import { lintRegistry } from "../lint/lint-registry.ts";
import { applyContracts } from "../scaffold/apply-contracts.ts";
import { nameContract } from "./name-contract.ts";
import { type ImportOptions, type ImportPlan, planImport } from "./plan-import.ts";

let dir: string;
let registry: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "import-"));
  registry = join(dir, "registry");
  await writeRight(registry);
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const OPTIONS: ImportOptions = {
  kind: "event",
  strip: undefined,
  prefix: undefined,
  map: new Map(),
  namingException: undefined,
};

/** Writes a source and plans its import. */
async function plan(
  files: Readonly<Record<string, unknown>>,
  path: string,
  options: Partial<ImportOptions> = {},
): Promise<ImportPlan> {
  const texts = Object.entries(files).map(([file, held]) => [
    file,
    typeof held === "string" ? held : JSON.stringify(held, undefined, 2),
  ]);
  await writeFiles(dir, Object.fromEntries(texts));
  return planImport(registry, join(dir, path), { ...OPTIONS, ...options });
}

async function refusal(...args: Parameters<typeof plan>): Promise<string> {
  const before = await paths();
  const told = await plan(...args).then(
    () => "taken",
    (thrown: Error) => thrown.message,
  );
  expect(await paths()).toEqual(before);
  return told;
}

const paths = async (): Promise<string[]> => [...listContent(await openFolder(registry)).paths];
const events = ({ contracts }: ImportPlan): string[] =>
  contracts.map(({ called, name, version, kind }) => `${called} = ${name}@${version} ${kind}`);

const ORDER = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "https://example.com/order-created.json",
  title: "Order created",
  type: "object",
  required: ["id", "lines"],
  properties: {
    id: { $ref: "common/types.json#/definitions/id" },
    lines: { type: "array", items: { $ref: "#/definitions/line" } },
    parent: { $ref: "#" },
  },
  definitions: {
    line: { type: "object", properties: { sku: { $ref: "common/types.json#/definitions/id" } } },
  },
  examples: [{ id: "a", lines: [] }, { id: 7 }],
};
const TYPES = {
  $schema: "http://json-schema.org/draft-07/schema#",
  definitions: { id: { $ref: "#/definitions/text" }, text: { type: "string", minLength: 1 } },
};

const SHOP2 = `asyncapi: 2.6.0
info: { title: Shop, version: 3.1.4 }
channels:
  order/{id}/events:
    publish:
      operationId: onOrder
      message:
        oneOf:
          - $ref: '#/components/messages/OrderCreated'
          - name: order.cancelled.v2
            payload: { type: object, required: [id], properties: { id: { $ref: '#/components/schemas/Id' } } }
  user/logged_in:
    subscribe:
      message:
        headers: { type: object, required: [X-Session], properties: { X-Session: { type: string } } }
        payload: { $ref: '#/components/schemas/User' }
components:
  messages:
    OrderCreated:
      summary: An order came in.
      payload: { $ref: '#/components/schemas/Order' }
      examples:
        - name: small
          payload: { id: a }
  schemas:
    Id: { type: string, minLength: 1 }
    Order: { type: object, required: [id], properties: { id: { $ref: '#/components/schemas/Id' }, of: { $ref: '#/components/schemas/Order' } } }
    User: { type: object, required: [name], properties: { name: { type: string } } }
`;
const SHOP3 = `asyncapi: 3.0.0
info: { title: Shop, version: 1.0.0 }
channels:
  orders:
    address: shop.orders
    messages:
      orderCreated: { $ref: '#/components/messages/orderCreated' }
      orderPaid:
        payload:
          schemaFormat: application/schema+json;version=draft-07
          schema: { type: object, required: [sum], properties: { sum: { type: number } } }
operations:
  take: { action: receive, channel: { $ref: '#/channels/orders' }, messages: [{ $ref: '#/channels/orders/messages/orderPaid' }] }
components:
  messages:
    orderCreated:
      title: An order came in
      payload: { type: object, required: [id], properties: { id: { type: string } } }
      examples: [{ payload: { id: a } }]
`;
const CLOUD_EVENT = { specversion: "1.0", type: "com.example.order.created.v2", source: "/shop", id: "1" };

describe("nameContract()", () => {
  test.each([
    ["com.example.order.created.v2", {}, "com.example.order.created@2 event"],
    ["com.example.order.created.v2", { strip: "com.example.", prefix: "shop" }, "shop.order.created@2 event"],
    ["OrderCreated", {}, "order.created@1 event"],
    ["OrderCreatedV3", { map: new Map([["OrderCreatedV3", "order.created@3"]]) }, "order.created@3 event"],
    ["orders/HTTPRequest_v4", { kind: "command" }, "orders.http.request@4 command"],
    ["shop.bigOrders.created@2", {}, "shop.big_orders.created@2 event"],
    ["cancel", { map: new Map([["cancel", "order.cancel:command"]]) }, "order.cancel@1 command"],
    ["order.cancel.result", { kind: "command" }, "order.cancel.result@1 reply"],
  ] as const)("%s with %o is %s", (called, options, wanted) => {
    const { name, version, kind } = nameContract(called, { ...OPTIONS, ...options });
    expect(`${name}@${version} ${kind}`).toBe(wanted);
  });

  test.each(["order", "../../etc/passwd", "a..b", "order.создан", "$(id).created", "v1.v2.v3", ""])(
    "refuses %j",
    (called) => {
      expect(() => nameContract(called, OPTIONS)).toThrow(/--map/);
    },
  );
});

describe("planImport() of JSON Schemas", () => {
  const files = {
    "s/order/created.schema.json": ORDER,
    "s/order/common/types.json": TYPES,
    "s/notes.yaml": "a: 1",
  };

  test("makes contracts that load, judge alike and are clean to lint", async () => {
    const imported = await plan(files, "s");
    expect(events(imported)).toEqual(["order/created = order.created@1 event"]);
    expect(imported.notes).toEqual([
      "notes.yaml is no schema",
      "order/common/types.json is part of others, and no event by itself",
      expect.stringContaining("left out 1 example of order/created: not valid"),
    ]);
    applyContracts(imported.plan);
    expect((await lintRegistry(registry)).findings).toEqual([]);
    const { validate } = (await loadRegistry(registry)).resolve("order.created", 1);
    expect(validate({ id: "a", lines: [{ sku: "b" }] }).valid).toBe(true);
    expect(validate({ id: "a", lines: [{ sku: "" }] }).violations[0]?.pointer).toBe("/lines/0/sku");
    expect(validate({ id: "a", lines: [], parent: {} }).valid).toBe(false);
    expect(await readFile(join(registry, "registry.yaml"), "utf8")).toMatch(/status: draft/);
  });

  test("changes no letter of an example", async () => {
    const example = { text: "[  a,  b ] \\u0000 \\n {  }" };
    const schema = { type: "object", required: ["text"], examples: [example] };
    const { plan: made } = await plan({ "s/order/paid.json": schema }, "s");
    expect(JSON.parse(made.created.get("order/paid/v1/examples/1.json") ?? "")).toEqual(example);
  });

  test("leaves references to contracts of the registry as they are", async () => {
    const schema = { type: "object", properties: { of: { $ref: "urn:adaos:schema:lab.sample.weighed:v1" } } };
    const { plan: made } = await plan({ "s/order/paid.json": schema }, "s");
    applyContracts(made);
    const { validate } = (await loadRegistry(registry)).resolve("order.paid", 1);
    expect(validate({ of: {} }).violations).toEqual([{ pointer: "/of/id", expected: "is required" }]);
  });

  test("overwrites nothing", async () => {
    applyContracts((await plan(files, "s")).plan);
    expect(await refusal(files, "s")).toMatch(/order\.created@1 is in .*registry\.yaml already/);
  });

  test("names a schema.json by its folder, and takes the version that it says", async () => {
    const schema = { type: "object", required: ["a"], "x-version": "2.3.0", examples: [{ a: 1 }] };
    const imported = await plan({ "s/order/paid/schema.json": schema }, "s");
    expect(events(imported)).toEqual(["order/paid = order.paid@2 event"]);
    expect([...imported.plan.created.values()][0]).toContain('"x-version": "2.3.0"');
  });

  test("tells of all that is wrong at once, and writes nothing", async () => {
    const told = await refusal(
      {
        "s/order/created.json": { type: "object", properties: { a: { $ref: "https://example.com/a.json" } } },
        "s/order/paid.json": { type: "object", properties: { a: { $ref: "../../../etc/passwd" } } },
        "s/order/sent.json": { $schema: "http://json-schema.org/draft-04/schema#", type: "object" },
        "s/order/moved.json": {
          type: "object",
          properties: { a: { $ref: "#/$defs/none" }, b: { pattern: "(" } },
        },
        "s/order/arrival.json": { type: "object" },
        "s/order/gone.json": { type: "object", properties: { a: { $ref: "./gone.json#anchor" } } },
      },
      "s",
    );
    for (const part of [
      /created\.json.*nothing is fetched/,
      /paid\.json.*not among the files/,
      /sent\.json.*draft-04/,
      /bad pattern/,
      /arrival .*--naming-exception/,
      /anchor/,
    ])
      expect(told).toMatch(part);
  });

  test("takes no two events for one", async () => {
    const schema = { type: "object" };
    expect(await refusal({ "s/order/created.json": schema, "s/order.created.json": schema }, "s")).toMatch(
      /would be order\.created@1, as .* is/,
    );
  });

  test("follows no link out of the folder", async () => {
    await writeFiles(dir, { "s/order/created.json": JSON.stringify(ORDER), "secret.json": "{}" });
    await symlink(join(dir, "secret.json"), join(dir, "s/order/link.json"));
    expect(await refusal({}, "s")).toMatch(/is a link out of the folder of the import/);
  });
});

describe("planImport() of AsyncAPI", () => {
  test("reads version 2: channels, operations, messages and what they refer to", async () => {
    const imported = await plan({ "shop.yaml": SHOP2 }, "shop.yaml", {
      prefix: "shop",
      map: new Map([["user/logged_in", "shop.user.entered"]]),
    });
    expect(events(imported)).toEqual([
      "OrderCreated = shop.order.created@1 event",
      "order.cancelled.v2 = shop.order.cancelled@2 event",
      "user/logged_in = shop.user.entered@1 event",
    ]);
    applyContracts(imported.plan);
    const { records } = await loadRegistry(registry);
    expect(records.find(({ name }) => name === "shop.user.entered")?.required_headers).toEqual(["x-session"]);
    expect(records.find(({ name }) => name === "shop.order.created")?.summary).toBe("An order came in.");
    expect(imported.notes).toEqual([
      "shop.order.cancelled@2 has no example (example-none)",
      "shop.user.entered@1 has no example (example-none)",
    ]);
  });

  test("reads version 3", async () => {
    const imported = await plan({ "shop.yaml": SHOP3 }, "shop.yaml");
    expect(events(imported)).toEqual([
      "orderCreated = order.created@1 event",
      "orderPaid = order.paid@1 event",
    ]);
    applyContracts(imported.plan);
    const { errors } = await lintRegistry(registry);
    expect(errors).toBe(0);
    expect(imported.notes).toEqual(["order.paid@1 has no example (example-none)"]);
  });

  test.each([
    ["a remote message", "{ $ref: 'https://example.com/m.yaml' }", /nothing is fetched/],
    ["a reference to nothing", "{ $ref: '#/components/messages/none' }", /refers to nothing/],
    ["a circle", "{ $ref: '#/channels/a.b/messages/m' }", /refers in a circle/],
    [
      "another format",
      "{ schemaFormat: application/vnd.apache.avro, payload: { type: record } }",
      /schemaFormat/,
    ],
    ["no payload", "{ name: order.created }", /has no payload/],
    [
      "a payload elsewhere",
      "{ name: order.created, payload: { $ref: '../../x.json' } }",
      /not among the files/,
    ],
    ["a name that leads out", "{ name: ../../../etc/cron, payload: { type: object } }", /gives the name/],
  ])("refuses %s, and says where", async (_, message, wanted) => {
    const text = `asyncapi: 3.0.0\nchannels:\n  a.b:\n    messages:\n      m: ${message}\n`;
    const told = await refusal({ "bad.yaml": text }, "bad.yaml");
    expect(told).toMatch(wanted);
    expect(told).toMatch(/bad\.yaml(:5:\d+|#)/);
  });

  test.each([
    [
      "aliases without end",
      `asyncapi: 3.0.0\na0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`).join("\n")}\n`,
      /alias/i,
    ],
    ["depth without end", `asyncapi: 3.0.0\nx: ${"[".repeat(5000)}`, /nests deeper than/],
    ["no YAML", "asyncapi: [", /hostile\.yaml:1/],
    ["another version", "asyncapi: 1.2.0\n", /known are 2 and 3/],
    ["something else", "openapi: 3.1.0\n", /no AsyncAPI document/],
    ["what is no text", "\u0000\uFFFF", /hostile\.yaml|no AsyncAPI/],
  ])("refuses %s", async (_, text, wanted) => {
    expect(await refusal({ "hostile.yaml": text }, "hostile.yaml")).toMatch(wanted);
  });

  test("refuses a schema that would never end", async () => {
    const text =
      "asyncapi: 3.0.0\nchannels:\n  a:\n    messages:\n      orderCreated: { payload: { $ref: '#/components/schemas/A' } }\ncomponents: { schemas: { A: { allOf: [{ $ref: '#/components/schemas/A' }] } } }\n";
    expect(await refusal({ "bad.yaml": text }, "bad.yaml")).toMatch(/circle/);
  });
});

describe("planImport() of CloudEvents", () => {
  test("makes schema and examples of events of one type", async () => {
    const lines = [
      { ...CLOUD_EVENT, data: { id: "a", sum: 1, lines: [{ sku: "x" }] } },
      {
        ...CLOUD_EVENT,
        id: "2",
        datacontenttype: "application/json; charset=utf-8",
        data: { id: "b", sum: 1.5, lines: [] },
      },
    ];
    const imported = await plan(
      { "events.ndjson": lines.map((line) => JSON.stringify(line)).join("\n") },
      "events.ndjson",
      { strip: "com.example.", prefix: "shop" },
    );
    expect(events(imported)).toEqual(["com.example.order.created.v2 = shop.order.created@2 event"]);
    expect(imported.notes[0]).toContain("made of 2 events");
    applyContracts(imported.plan);
    expect((await lintRegistry(registry)).findings).toEqual([]);
    const { validate } = (await loadRegistry(registry)).resolve("shop.order.created", 2);
    expect(validate({ id: "a", sum: 2, lines: [{ sku: "x", size: 1 }], more: true }).valid).toBe(true);
    expect(validate({ id: "a", sum: "2", lines: [] }).valid).toBe(false);
  });

  test.each([
    ["data that is no JSON", { ...CLOUD_EVENT, data_base64: "AA==" }, /data_base64/],
    ["another data type", { ...CLOUD_EVENT, datacontenttype: "text/xml", data: "<a/>" }, /datacontenttype/],
    ["another version", { ...CLOUD_EVENT, specversion: "0.3" }, /specversion/],
    ["no type", { specversion: "1.0" }, /has no type/],
  ])("refuses %s, and says where", async (_, event, wanted) => {
    const told = await refusal({ "one.json": [CLOUD_EVENT, event] }, "one.json");
    expect(told).toMatch(wanted);
    expect(told).toMatch(/one\.json:\d+:\d+/);
  });
});
