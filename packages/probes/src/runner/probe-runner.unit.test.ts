import { type Logger, MeshError } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ProbeConnection } from "../drivers/driver.ts";
import type { DomainEvent } from "../events/domain-event.ts";
import { Probes } from "../probes.ts";
import type { ProbeOptions } from "./probe-options.ts";

/** A database whose answers a test decides. */
class Database {
  /** How it answers: after milliseconds, with an error, or never. */
  answer: number | Error | "never" = 1;
  connections = 0;
  open = 0;
  asked = 0;
  underWay = 0;
  mostUnderWay = 0;

  connect(): ProbeConnection {
    let isOpen = false;
    return {
      connect: async () => {
        this.connections++;
        if (this.answer instanceof Error) throw this.answer;
        isOpen = true;
        this.open++;
      },
      ask: async () => {
        this.asked++;
        this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
        const { answer } = this;
        if (answer === "never") return new Promise(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, typeof answer === "number" ? answer : 0));
        this.underWay--;
        if (answer instanceof Error) throw answer;
      },
      close: async () => {
        if (isOpen) this.open--;
        isOpen = false;
      },
    };
  }
}

let database: Database;
let probes: Probes;
let published: DomainEvent[];
let refusal: MeshError | undefined;
let lines: [level: string, text: string, fields: Record<string, unknown>][];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  database = new Database();
  published = [];
  lines = [];
  refusal = undefined;
  const write =
    (level: string) =>
    (fields: object, text: string): void =>
      void lines.push([level, text, fields as Record<string, unknown>]);
  const log: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  const publish = async (event: DomainEvent): Promise<void> => {
    if (refusal !== undefined) throw refusal;
    published.push(event);
  };
  probes = new Probes({ publish, log, app: "adaos-app" });
});
afterEach(async () => {
  await settled(probes.stop());
  vi.useRealTimers();
});

/** Lets time pass until a promise has settled. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = promise.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  for (let i = 0; i < 2000 && !isOver && vi.isFakeTimers(); i++) await vi.advanceTimersByTimeAsync(10);
  return over;
}

function start(more: Partial<ProbeOptions> = {}) {
  const open = () => database.connect();
  return settled(probes.start("db", { type: "postgresql", open, environment: "staging", ...more }));
}

const names = () => published.map((event) => `${event.ref.split(".").slice(2).join(".")}`);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a probe", () => {
  test("publishes and logs that there is a connection, once, and looks each interval", async () => {
    await start();
    await pass(10 * 33_000);
    expect(names()).toEqual(["connection.established@2", "health.checked@2"]);
    expect(database.asked).toBeGreaterThanOrEqual(10);
    expect([database.connections, database.open]).toEqual([1, 1]);
    const [level, text, fields] = lines[0] ?? [];
    expect([level, text]).toEqual(["info", "Database connection established"]);
    expect(fields).toMatchObject({ app: "adaos-app", probe: "db", environment: "staging" });
    expect(fields).toMatchObject({ database_type: "postgresql", connection_pool_size: 1 });
  });

  test("tells an outage once, with the stack in the log alone, and that it is over", async () => {
    await start();
    database.answer = Object.assign(new Error("no postgres://a:hunter22@db/x"), { code: "ECONNREFUSED" });
    await pass(5 * 33_000);
    database.answer = 1;
    await pass(2 * 33_000);
    expect(names().slice(2)).toEqual([
      "connection.failed@2",
      "health.checked@2",
      "connection.established@2",
      "health.checked@2",
    ]);
    expect(published[2]?.payload()).toMatchObject({ error_message: "no ***", retry_count: 0 });
    const failed = lines.filter(
      ([level, text]) => level === "error" && text === "Database connection failed",
    );
    expect(failed).toHaveLength(1);
    const err = failed[0]?.[2]["err"] as Error;
    expect(err.stack).toContain("probe-runner.unit.test.ts");
    expect(JSON.stringify([published, lines]) + err.stack).not.toContain("hunter22");
    expect(database.open).toBe(1);
  });

  test.each([
    [50, "healthy"],
    [150, "degraded"],
    [300, "unhealthy"],
  ] as const)("that is answered in %d ms is %s", async (answer, status) => {
    database.answer = answer;
    const probe = await start();
    expect(probe.health()).toMatchObject({
      status,
      is_healthy: status === "healthy",
      requires_alert: status !== "healthy",
      connection: "established",
      error_message: null,
    });
  });

  test("gives up a look in time, and begins no other while it has not ended", async () => {
    await start({ timeoutMs: 500 });
    database.answer = "never";
    await pass(10 * 40_000);
    expect(database.mostUnderWay).toBe(1);
    expect(names().slice(2)).toEqual(["connection.failed@2", "health.checked@2"]);
    expect(published[2]?.payload()).toMatchObject({ error_message: "no answer in 0.5 s" });
    expect(database.open).toBe(0);
  });

  test("counts the looks that somebody asks for while there is no connection", async () => {
    database.answer = new Error("refused");
    const probe = await start();
    for (const count of [1, 2, 3])
      expect(await settled(probe.look())).toMatchObject({ retry_count: count, connection: "failed" });
    const counts = published.flatMap((event) => event.payload()["retry_count"] ?? []);
    expect(counts).toEqual([0, 1, 2, 3]);
    database.answer = 1;
    expect(await settled(probe.look())).toMatchObject({ retry_count: 0, connection: "established" });
  });

  test("joins a look that is under way", async () => {
    const probe = await start();
    await settled(Promise.all([probe.look(), probe.look(), probe.look()]));
    expect(database.asked).toBe(2);
  });

  test("stops: no look, no connection, no event any more", async () => {
    const probe = await start();
    await settled(probe.stop());
    await settled(probe.stop());
    const asked = database.asked;
    await pass(200_000);
    expect([database.asked, database.open, published.length]).toEqual([asked, 0, 2]);
    await expect(probe.look()).rejects.toMatchObject({ code: "closed" });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("stops in the middle of a look that never ends", async () => {
    const probe = await start();
    database.answer = "never";
    const looking = probe.look();
    looking.catch(() => undefined);
    await pass(10);
    await settled(probe.stop());
    expect(published.length).toBe(2);
  });

  test("does not look at the same moment as its like: intervals differ by a tenth", async () => {
    await start({ intervalMs: 1000 });
    await pass(100_000);
    expect(database.asked).toBeGreaterThan(80);
    expect(database.asked).toBeLessThan(125);
  });
});

describe("events of a probe", () => {
  test("wait while they cannot be published, and keep their order", async () => {
    refusal = new MeshError("unavailable", "the hub does not answer");
    const probe = await start();
    expect(probe.health().unpublished).toBe("the hub does not answer");
    database.answer = new Error("refused");
    await pass(40_000);
    refusal = undefined;
    await pass(40_000);
    expect(names()).toEqual([
      "connection.established@2",
      "health.checked@2",
      "connection.failed@2",
      "health.checked@2",
    ]);
    expect(probe.health().unpublished).toBeNull();
  });

  test("that nobody may publish are dropped, and it is told once", async () => {
    refusal = new MeshError("denied", "alpha/kitchen may not publish");
    await start();
    database.answer = 150;
    await pass(40_000);
    expect(lines.filter(([, text]) => text === "probe event not published")).toHaveLength(1);
    refusal = undefined;
    await pass(40_000);
    expect(published).toEqual([]);
  });
});

describe("a connection of the caller's own", () => {
  const nothing = async (): Promise<void> => undefined;
  const raise = (thrown: unknown) => (): never => {
    throw thrown;
  };
  test.each([
    ["throws at once", { ask: raise(new Error("no pool")) }, "no pool"],
    ["throws nothing at all", { ask: raise(undefined) }, "undefined"],
    [
      "throws what no text can be made of",
      { ask: raise(Object.create(null)) },
      "an error that cannot be read",
    ],
    ["throws at once when it connects", { connect: raise(new Error("no driver")) }, "no driver"],
    ["cannot be closed", { ask: raise(new Error("no pool")), close: raise(new Error("never")) }, "no pool"],
  ])("that %s is a failed look, and the probe goes on", async (_, how, message) => {
    let looks = 0;
    const open = (): ProbeConnection => {
      looks++;
      return { connect: nothing, ask: nothing, close: nothing, ...how };
    };
    const probe = await start({ open });
    await pass(70_000);
    expect(probe.health()).toMatchObject({ status: "unhealthy", error_message: message });
    expect(looks).toBeGreaterThan(1);
    await settled(probe.stop());
  });

  test("that promises nothing is taken at its word", async () => {
    const ask = (() => 1) as unknown as () => Promise<void>;
    const probe = await start({ open: () => ({ connect: nothing, ask, close: nothing }) });
    expect(probe.health()).toMatchObject({ status: "healthy" });
    await settled(probe.stop());
  });

  test("holds up no other, though hundreds hang or throw at once, and all can be stopped", async () => {
    const hang = (): Promise<void> => new Promise(() => undefined);
    const kinds = [{ ask: hang }, { connect: hang }, { ask: raise(new Error("no")) }, { close: hang }, {}];
    const all = Array.from({ length: 300 }, (_, i) => {
      const open = (): ProbeConnection => {
        return { connect: nothing, ask: nothing, close: nothing, ...kinds[i % kinds.length] };
      };
      return probes.start(`db${i}`, { type: "postgresql", open, timeoutMs: 100, intervalMs: 1000 });
    });
    await settled(Promise.all(all));
    await pass(20_000);
    const healthy = probes.health().filter(({ is_healthy }) => is_healthy);
    expect([probes.size, healthy.length]).toEqual([300, 120]);
    expect(lines.length).toBeLessThan(300 * 3);
    await settled(probes.stop());
    expect(probes.size).toBe(0);
  });
});

describe("Probes.start()", () => {
  test("means the probe that runs when it is asked again, and refuses other options", async () => {
    const options: ProbeOptions = { type: "postgresql", open: () => database.connect() };
    const [one, other] = await settled(
      Promise.all([probes.start("db", options), probes.start("db", options)]),
    );
    expect(one).toBe(other);
    expect([database.connections, published.length]).toEqual([1, 2]);
    await expect(probes.start("db", { ...options, intervalMs: 200 })).rejects.toMatchObject({
      code: "usage",
    });
    await settled(one?.stop() ?? Promise.resolve());
    expect(probes.size).toBe(0);
  });

  test("fails fast where that is wanted: told, logged, and rejected", async () => {
    database.answer = new Error("refused");
    await expect(start({ failFast: true })).rejects.toMatchObject({
      code: "unavailable",
      message: "probe db: refused",
    });
    expect(names()).toEqual(["connection.failed@2", "health.checked@2"]);
    expect(probes.size).toBe(0);
  });

  test.each([
    ["two places", { url: "tcp://a:1" }, "usage", "exactly one of"],
    ["a bad interval", { intervalMs: 1 }, "usage", "intervalMs"],
    ["thresholds the wrong way round", { degradedMs: 300 }, "usage", "degradedMs"],
    ["an unknown type", { type: "oracle" as "tcp" }, "usage", "type must be one of"],
    ["no place", { open: undefined }, "usage", "exactly one of"],
    [
      "a variable that is not set",
      { open: undefined, urlEnv: "ADAOS_NO_SUCH" },
      "invalid-config",
      "holds no URL",
    ],
    [
      "a file that is not there",
      { open: undefined, urlFile: "/no/such" },
      "invalid-config",
      "cannot be read",
    ],
    [
      "another scheme, without telling the URL",
      { open: undefined, url: "mysql://a:hunter22@db" },
      "invalid-config",
      "probe db: the URL of postgresql begins with postgresql:// or postgres://",
    ],
  ] as const)("refuses %s", async (_, more, code, message) => {
    await expect(start(more)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    await expect(start(more)).rejects.not.toThrow("hunter22");
    expect(published).toEqual([]);
  });

  test("refuses after its end", async () => {
    await probes.stop();
    await expect(start()).rejects.toMatchObject({ code: "closed" });
  });
});
