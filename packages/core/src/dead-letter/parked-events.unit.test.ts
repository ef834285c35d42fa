import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { contractOf, RecordingLog, registryOf } from "../../../../test/kit/stand-ins.ts";
import { MeshError } from "../language/errors.ts";
import { Deprecations } from "../publish/deprecations.ts";
import type { SchemaRegistry } from "../transport.ts";
import type { EventParking } from "./failure-journal.ts";
import { ParkedEvents } from "./parked-events.ts";

class RecordingParking implements EventParking {
  events = ["ui.notify@1", "ui.unknown@1"];
  readonly released: string[] = [];
  failures = 0;

  async park(): Promise<ReadonlySet<number>> {
    return new Set();
  }

  async parked(): Promise<readonly string[]> {
    if (this.failures-- > 0) throw new MeshError("unavailable", "the hub is away");
    return this.events;
  }

  async release(durable: string, event: string): Promise<number> {
    this.released.push(`${durable} ${event}`);
    this.events = this.events.filter((other) => other !== event);
    return 1;
  }
}

let known: SchemaRegistry;
let changed: () => void;
let parking: RecordingParking;
let parked: ParkedEvents;

beforeEach(() => {
  vi.useFakeTimers();
  known = registryOf();
  parking = new RecordingParking();
  const registry: SchemaRegistry = {
    resolve: (name, version) => known.resolve(name, version),
    onChange: (listener) => {
      changed = listener;
      return () => undefined;
    },
  };
  parked = new ParkedEvents(parking, registry, new RecordingLog());
});
afterEach(async () => {
  await parked.close();
  vi.useRealTimers();
});

describe("ParkedEvents", () => {
  test("releases what is known, when a durable is opened", async () => {
    known = registryOf(contractOf("ui.notify"));
    parked.add("screen");
    await vi.advanceTimersByTimeAsync(1);
    expect(parking.released).toEqual(["screen ui.notify@1"]);
  });

  test("releases what has become known, and no more after the durable is gone", async () => {
    parked.add("screen");
    await vi.advanceTimersByTimeAsync(1);
    expect(parking.released).toEqual([]);
    known = registryOf(contractOf("ui.notify"));
    changed();
    await vi.advanceTimersByTimeAsync(1);
    expect(parking.released).toEqual(["screen ui.notify@1"]);
    parked.remove("screen");
    known = registryOf(contractOf("ui.unknown"));
    changed();
    await vi.advanceTimersByTimeAsync(1);
    expect(parking.released).toHaveLength(1);
  });

  test("tries again what the hub did not answer", async () => {
    known = registryOf(contractOf("ui.notify"));
    parking.failures = 1;
    vi.useRealTimers();
    parked.add("screen");
    await vi.waitFor(() => expect(parking.released).toEqual(["screen ui.notify@1"]), { timeout: 30_000 });
  });
});

describe("Deprecations", () => {
  test("warns once of each way to use an event, and counts all", () => {
    const log = new RecordingLog();
    const deprecations = new Deprecations("alpha/desk", log);
    const contract = contractOf("ui.notify", { deprecated: { producers: ["ui.a"], consumers: ["ui.b"] } });
    for (let n = 0; n < 3; n++) deprecations.note(contract, { writer: "ui.a@desk" });
    deprecations.note(contract, { writer: "ui.a@desk", reader: "screen" });
    deprecations.note(contractOf("ui.other"), {});
    expect(deprecations.counts).toEqual({ "ui.notify@1": 4 });
    expect(log.lines.map(({ fields }) => [fields["event"], fields["reader"], fields["consumers"]])).toEqual([
      ["ui.notify@1", undefined, ["ui.b"]],
      ["ui.notify@1", "screen", ["ui.b"]],
    ]);
  });
});
