import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Bus } from "@adaos/client";
import { openLog } from "@adaos/daemon";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const MAIL = "canary-pii-ann@example.org";
const TOKEN = "canary-secret-8f3a-77c1-token";
const CARD = 4_929_123_456_781_234;
/** Of events that nobody else is cleared for. */
const HELD = [MAIL, TOKEN, String(CARD)];
/** Of an event for which one subnet is cleared. */
const BADGE = "canary-pii-badge-0451-of-bob";
const CANARIES = [...HELD, BADGE];

const PII = { "x-classification": "pii" };
const SECRET = { "x-classification": "secret" };
const SCHEMAS: Readonly<Record<string, object>> = {
  "lab.person": {
    type: "object",
    required: ["mail"],
    properties: {
      name: { type: "string" },
      mail: { type: "string", maxLength: 100, ...PII },
      card: { type: "integer", ...PII },
      access: { type: "object", additionalProperties: { type: "string" }, ...SECRET },
    },
    additionalProperties: false,
  },
  "lab.badge": { type: "object", properties: { code: { type: "string", ...PII } } },
  "lab.notice": { type: "object", properties: { text: { type: "string" } } },
  "lab.lookup": { type: "object", properties: { who: { type: "string" } } },
  "lab.lookup.result": { type: "object", properties: { mail: { type: "string", ...PII } } },
};
const KINDS: Readonly<Record<string, string>> = { "lab.lookup": "command", "lab.lookup.result": "reply" };
const PERSON = { name: "Ann", mail: MAIL, card: CARD, access: { lab: TOKEN } };

function meshYaml(registry: string, betaClearance: string): string {
  return `
mesh: classification
registry: ${registry}
subnets:
  alpha:
    export: [lab.]
    import: [lab.lookup]
    members:
      kitchen: { publish: [lab.], subscribe: [lab.] }
      desk: { publish: [lab.], subscribe: [lab.] }
  beta:
    export: [lab.]
    import: [lab.]
    clearance: ${betaClearance}
    members: { lamp: { publish: [lab.], subscribe: [lab.] } }
  gamma:
    import: [lab.badge, lab.notice]
    clearance: [pii]
    members: { shelf: { subscribe: [lab.] } }
`;
}

function schemaPath(name: string): string {
  return `${name.replace(".", "/")}/v1/schema.json`;
}

function writeRegistry(dir: string): void {
  const records = Object.keys(SCHEMAS).map((name) => {
    return {
      name,
      version: 1,
      kind: KINDS[name] ?? "event",
      summary: "x",
      status: "stable",
      schema: schemaPath(name),
      naming_exception: "of a test",
    };
  });
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "registry.yaml"), JSON.stringify(records));
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    const file = join(dir, schemaPath(name));
    mkdirSync(dirname(file), { recursive: true });
    const identity = { $id: `urn:adaos:schema:${name}:v1`, "x-version": "1.0.0" };
    writeFileSync(file, JSON.stringify({ ...schema, ...identity }, undefined, 2));
  }
}

/** Every file below a folder. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** As it stands, and in base64 wherever it may begin. */
function spellings(canary: string): string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const text = Buffer.from("x".repeat(offset) + canary).toString("base64");
    return text.slice(offset === 0 ? 0 : 4, -4);
  });
  return [canary, ...inBase64];
}

function holds(text: string, canaries: readonly string[]): boolean {
  return canaries.some((canary) => spellings(canary).some((spelling) => text.includes(spelling)));
}

describe("classified data", { timeout: 300_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), "adaos-classified-"));
  let mesh: TestMesh;
  let kitchen: Bus;
  let desk: Bus;
  let lamp: Bus;
  /** What was printed, by command. */
  const said = new Map<string, string>();
  /** Commands that did not exit with 0, and with what. */
  const failed: string[] = [];
  /** Everything that a caller was told. */
  const told: string[] = [];

  beforeAll(async () => {
    writeRegistry(join(dir, "registry"));
    mesh = await TestMesh.start({ yaml: meshYaml(join(dir, "registry"), "[]") });
    const log = openLog({ level: "debug", file: join(mesh.state, "logs/app.log"), base: {} });
    kitchen = await mesh.connect("alpha/kitchen", { log });
    desk = await mesh.connect("alpha/desk", { log });
    lamp = await mesh.connect("beta/lamp", { log });
  });
  afterAll(async () => {
    await mesh.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function adaos(...args: readonly string[]): Promise<string> {
    const { stdout, stderr, code } = await mesh.adaos(args);
    if (code !== 0) failed.push(`${code} ${args.slice(0, 2).join(" ")}`);
    said.set(args.join(" "), stdout + stderr);
    return stdout;
  }

  async function refused(call: Promise<unknown>): Promise<string> {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown as Error & { code: string; rule?: string },
    );
    told.push(`${error?.message} ${error?.stack} ${JSON.stringify(error)}`);
    return `${error?.code} ${error?.rule ?? ""}`;
  }

  test("is in the streams of who may have it, and nowhere else, whatever is done with it", async () => {
    const shelf = await mesh.connect("gamma/shelf");
    const atLamp: string[] = [];
    const atShelf: unknown[] = [];
    await lamp.subscribe("lab.", { durable: "all" }, ({ event_name: name }) => void atLamp.push(name));
    await shelf.subscribe("lab.", { durable: "all" }, ({ data }) => void atShelf.push(data));
    await subscribeHandlersThatFail();

    const { eventId } = await kitchen.publish("lab.person", PERSON);
    await kitchen.publish("lab.badge", { code: BADGE });
    await kitchen.publish("lab.notice", { text: "plain" });
    expect(await refused(kitchen.publish("lab.person", { ...PERSON, access: { [TOKEN]: 7 } }))).toContain(
      "invalid",
    );
    expect(await refused(kitchen.publish("lab.person", { ...PERSON, mail: MAIL.repeat(9) }))).toContain(
      "invalid",
    );
    // A member that speaks to the server itself stores what it likes.
    const raw = await mesh.openMember("alpha/kitchen");
    const subject = "evt.alpha.kitchen.lab.person.v1";
    await raw.nc.jetstream().publish(subject, `{"data":${JSON.stringify(PERSON)}`, { msgID: "broken" });
    await raw.nc.jetstream().publish(subject, JSON.stringify(wrongEnvelope(eventId)), { msgID: "wrong" });
    await raw.close();
    await until("all have failed for good", () => desk.stats.deadLettered >= 6);
    expect(await kitchen.request("lab.lookup", { who: "ann" })).toMatchObject({ data: { mail: MAIL } });
    expect(await refused(kitchen.request("lab.lookup", { who: "odd" }))).toContain("failed");
    expect(await refused(kitchen.request("lab.lookup", { who: "nobody" }))).toContain("failed");

    // Nobody waits for a reply that must not come.
    expect(await refused(lamp.request("lab.lookup", { who: "ann" }, { timeoutMs: 60_000 }))).toBe(
      "denied clearance",
    );
    expect(told.at(-1)).toContain("its reply");
    await until("the cleared subnet has the badge", () => JSON.stringify(atShelf).includes(BADGE));
    await until("the other has the notice", () => atLamp.includes("lab.notice"));
    expect(atLamp).toEqual(["lab.notice"]);

    await printEverything(eventId);
    // What was published wrong, what is no event and cannot be replayed, and what may not pass: the rest has printed.
    const known = /^(65 events (publish|dlq|retry|replay)|77 policy explain)$/;
    expect(failed.filter((one) => !known.test(one))).toEqual([]);
    expect(said.get("events tail lab. --at alpha --since 1h --count 3")).toContain('"mail":"[pii]"');
    expect(said.get("events tail lab. --at alpha --since 1h --count 3")).toContain('"name":"Ann"');
    expect(said.get(`events detail ${eventId} --json`)).toContain('"access":"[secret]"');
    expect(said.get("events dlq list --json")).toContain('"masked":true');
    expect(said.get("events dlq list --json")).toContain("refused");
    expect(readFileSync(join(mesh.state, "logs/app.log"), "utf8")).toContain("[secret]");
    lookEverywhere();
  });

  async function subscribeHandlersThatFail(): Promise<void> {
    const retry = { maxRetries: 1, baseMs: 50 };
    await desk.subscribe("lab.person", { durable: "breaks", retry }, ({ data }) => {
      const cause = new Error(`while writing to ${(data as typeof PERSON).mail}`);
      throw Object.assign(new Error(`refused ${JSON.stringify(data)}`, { cause }), { request: data });
    });
    await desk.subscribe("lab.person", { durable: "hopeless" }, ({ data }) => {
      const { mail, card, access } = data as typeof PERSON;
      throw new TypeError(`${mail} with ${card} and ${access.lab}`);
    });
    await desk.subscribe("lab.lookup", { durable: "answers" }, ({ data }) => {
      const { who } = data as { who: string };
      if (who === "nobody") throw new TypeError("there is none");
      return who === "odd" ? { mail: { [MAIL]: TOKEN } } : { mail: MAIL };
    });
  }

  /** Of data that breaks its schema, and of which none may be shown therefore. */
  function wrongEnvelope(eventId: string): object {
    return {
      event_id: eventId.replace(/.{6}$/, "abcdef"),
      event_name: "lab.person",
      version: 1,
      kind: "event",
      ts: new Date().toISOString(),
      source: "app@kitchen",
      correlation_id: "x",
      tenant: "default",
      headers: {},
      data: { name: MAIL, mail: [TOKEN], access: { [TOKEN]: CARD } },
    };
  }

  async function printEverything(eventId: string): Promise<void> {
    const tail = ["events", "tail", "lab.", "--since", "1h"];
    await adaos("events", "tail", "lab.", "--at", "alpha", "--since", "1h", "--count", "3");
    await adaos(...tail, "--at", "alpha", "--count", "4", "--json");
    await adaos(...tail, "--at", "root", "--count", "2", "--json");
    await adaos(...tail, "--at", "gamma", "--count", "2", "--json");
    const shell = ["--as", "alpha/kitchen", "--durable", "shell", "--start", "all"];
    await adaos("events", "subscribe", "lab.", ...shell, "--count", "3");
    const letters = (await adaos("events", "dlq", "list", "--json")).trim().split("\n");
    const ids = letters.map((line) => (JSON.parse(line) as { dead_letter_id: string }).dead_letter_id);
    expect(ids.length).toBeGreaterThan(5);
    for (const id of [eventId, ...ids]) {
      await Promise.all([
        adaos("events", "detail", id),
        adaos("events", "detail", id, "--json"),
        adaos("events", "dlq", "show", id),
      ]);
    }
    for (const command of ["failed", "retry-candidates", "status", "metrics", "topics"]) {
      await Promise.all([adaos("events", command), adaos("events", command, "--json")]);
    }
    await adaos("events", "prometheus", "--output", "-");
    await adaos("events", "dlq", "list");
    for (const format of ["report", "jsonl"]) {
      await adaos("events", "export", "--output", "-", "--format", format);
      await adaos("events", "export", "--output", join(mesh.state, `export-${format}`), "--format", format);
    }
    await adaos("events", "retry", ids[0] ?? "", "--json");
    await adaos("events", "dlq", "replay", "--dry-run");
    await adaos("events", "dlq", "replay", "--yes", "--json");
    await adaos("events", "replay", "--at", "alpha", "--to", "desk/hopeless", "--all", "--yes");
    const broken = JSON.stringify(PERSON).slice(0, -1);
    await adaos("events", "publish", "lab.person", "--as", "alpha/kitchen", "--data", broken);
    const invalid = JSON.stringify({ ...PERSON, access: { [TOKEN]: 1 } });
    await adaos("events", "publish", "lab.person", "--as", "alpha/kitchen", "--data", invalid);
    await adaos("status");
    await adaos("status", "--json");
    await adaos("policy", "check");
    await adaos("policy", "compile");
    await adaos("policy", "explain", "publish", "lab.person", "--as", "alpha/kitchen", "--to", "beta/lamp");
  }

  function lookEverywhere(): void {
    const found: string[] = [];
    let places = 0;
    const look = (what: string, text: string, canaries: readonly string[]): void => {
      places++;
      if (holds(text, canaries)) found.push(what);
    };
    const stores = join(mesh.state, "store");
    for (const file of filesIn(mesh.dir)) {
      if (!file.startsWith(`${stores}/`)) look(file, readFileSync(file, "latin1"), CANARIES);
    }
    for (const [command, text] of said) {
      // What somebody typed is his own; what came back is not.
      look(command, text, CANARIES);
    }
    for (const [i, text] of told.entries()) look(`refusal ${i}`, text, CANARIES);
    const outside = places;
    for (const file of filesIn(join(stores, "beta"))) look(file, readFileSync(file, "latin1"), CANARIES);
    for (const file of filesIn(join(stores, "root"))) look(file, readFileSync(file, "latin1"), HELD);
    process.stdout.write(
      `${CANARIES.length} canaries looked for in ${outside} places outside the stores and in ${places - outside} files of stores, ${found.length} found\n`,
    );
    expect(found).toEqual([]);
    expect(outside).toBeGreaterThan(60);
    // They can be found: where they belong they are.
    const stored = (of: string): string =>
      filesIn(join(stores, of))
        .map((file) => readFileSync(file, "latin1"))
        .join("\n");
    for (const canary of CANARIES) expect(holds(stored("alpha"), [canary]), canary).toBe(true);
    for (const of of ["root", "gamma"]) expect(holds(stored(of), [BADGE]), of).toBe(true);
  }

  test("is explained by the rule clearance, with the place in the schema", async () => {
    const args = ["policy", "explain", "publish", "lab.badge", "--as", "alpha/kitchen", "--to", "beta/lamp"];
    const { code, stdout, stderr } = await mesh.adaos(args);
    expect(code).toBe(77);
    expect(stdout).toMatch(/import +beta from alpha +deny +clearance +\S*lab\/badge\/v1\/schema\.json:6:\d+/);
    expect(stderr).toContain("its schema classifies data for which beta is not cleared");
    const { stdout: checked, stderr: warned } = await mesh.ask(["policy", "check"]);
    expect(checked).toContain("rules, ");
    expect(warned).toMatch(
      /beta\.import\[0\]: never lets through .*lab\.badge@1 \(pii at \S*lab\/badge\/v1\/schema\.json:6:/,
    );
  });

  test("enters a subnet that is cleared while the mesh runs, from then on", async () => {
    const seen: unknown[] = [];
    await lamp.subscribe(
      "lab.badge",
      { durable: "badges", startAt: "all" },
      ({ data }) => void seen.push(data),
    );
    await kitchen.publish("lab.badge", { code: "before" });
    mesh.configure(meshYaml(join(dir, "registry"), "[pii]"));
    const { stdout } = await mesh.ask(["policy", "apply", "--yes", "--json"]);
    const { changes } = JSON.parse(stdout) as { changes: { change: string; who: string; event: string }[] };
    expect(changes).toContainEqual({
      change: "allowed",
      verb: "import",
      who: "beta",
      from: "alpha",
      event: "lab.badge@1",
      rule: "beta.import[0]",
    });
    await kitchen.publish("lab.badge", { code: "after" });
    await until("it arrives", () => JSON.stringify(seen).includes("after"));
    expect(JSON.stringify(seen)).not.toContain("before");
    expect(await lamp.request("lab.lookup", { who: "ann" })).toMatchObject({ data: { mail: MAIL } });
    mesh.configure(meshYaml(join(dir, "registry"), "[]"));
    await mesh.ask(["policy", "apply", "--yes"]);
    expect(await refused(lamp.request("lab.lookup", { who: "ann" }, { timeoutMs: 60_000 }))).toBe(
      "denied clearance",
    );
  });
});
