import { beforeEach, describe, expect, test } from "vitest";
import { contractOf, meshErrorOf, registryOf } from "../../../../test/kit/stand-ins.ts";
import { parseEventPattern } from "../language/event-pattern.ts";
import { Policy } from "../policy/policy.ts";
import type { EventContract, SchemaRegistry } from "../transport.ts";
import { EventForms } from "./event-forms.ts";
import { NO_OPTIONS, type Publisher, type PublishOptions, prepareEvent } from "./publish.ts";

const NOW_MS = Date.UTC(2025, 8, 23, 16, 20, 0, 7);
const address = { subnet: "alpha", node: "kitchen" };
const RULE = {
  id: "kitchen-ui",
  effect: "allow",
  verb: "publish",
  ...address,
  pattern: parseEventPattern("ui."),
} as const;

let registry: SchemaRegistry;
let policy: Policy;
let publisher: Publisher;
beforeEach(() => {
  registry = registryOf(contractOf("ui.notify"));
  policy = new Policy([RULE]);
  publisher = {
    address,
    component: "app",
    tenant: "default",
    policy,
    // Another one may be served while the bus is open.
    registry: { resolve: (...asked) => registry.resolve(...asked), onChange: () => () => undefined },
    forms: new EventForms(),
  };
});

const prepare = (data: unknown = "x", options: PublishOptions = NO_OPTIONS, ref = "ui.notify") =>
  prepareEvent(publisher, ref, data, options, NOW_MS);
const codeOf = (act: () => unknown): string => meshErrorOf(act).code;

function serve(...contracts: readonly EventContract[]): void {
  registry = registryOf(...contracts);
}

describe("prepareEvent() of a form that was prepared before", () => {
  test("asks a policy that has changed", () => {
    prepare();
    policy.replace([]);
    expect(codeOf(prepare)).toBe("denied");
    policy.replace([RULE]);
    expect(prepare().message.subject).toBe("evt.alpha.kitchen.ui.notify.v1");
  });

  test("takes a contract that has changed, a newer version, and that there is none any more", () => {
    prepare();
    serve(contractOf("ui.notify", { kind: "command" }));
    expect(prepare().envelope.kind).toBe("command");
    serve(contractOf("ui.notify"), contractOf("ui.notify", { version: 2 }));
    expect(prepare().message.subject).toBe("evt.alpha.kitchen.ui.notify.v2");
    serve();
    expect(codeOf(prepare)).toBe("unknown-event");
  });

  test("checks the data of each, and all that a caller adds", () => {
    prepare();
    expect(codeOf(() => prepare(() => 1))).toBe("invalid-event");
    expect(codeOf(() => prepare({ n: Number.NaN }))).toBe("invalid-event");
    const added: readonly PublishOptions[] = [
      { eventId: "1" },
      { correlationId: "" },
      { causationId: "" },
      { idempotencyKey: "a\nb" },
      { headers: { "Nats-Msg-Id": "x" } },
      { component: "a b" },
    ];
    for (const options of added) expect(codeOf(() => prepare("x", options))).toBe("invalid-event");
  });

  test("holds apart what is named with its version and without, and remembers only so many", () => {
    serve(contractOf("ui.notify"), contractOf("ui.notify", { version: 2 }));
    const names = Array.from({ length: 2500 }, (_, i) => `ui.other-${i}`);
    serve(
      ...[1, 2].map((version) => contractOf("ui.notify", { version })),
      ...names.map((n) => contractOf(n)),
    );
    for (const ref of ["ui.notify@1", "ui.notify", ...names, "ui.notify@1"]) {
      const { envelope } = prepare("x", NO_OPTIONS, ref);
      expect(`${envelope.event_name}@${envelope.version}`).toContain(
        ref === "ui.notify" ? "ui.notify@2" : ref,
      );
    }
  });
});
