import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadRegistry } from "@adaos/registry";
import { describe, expect, test } from "vitest";
import { HOME } from "./kit/mesh.ts";

/** The source that publishes an event, and the test that sees it published by a running process. */
interface Publisher {
  readonly source: string;
  readonly test: string;
  /** How the test names it. @default the name of the event */
  readonly as?: string;
}

const FIRST = "test/mesh/first-events.mesh.test.ts";
const ALERTS: Publisher = { source: "packages/alerts/src/events.ts", test: "test/mesh/alerts.mesh.test.ts" };
const PROBES: Publisher = {
  source: "packages/probes/src/events/database-events.ts",
  test: "test/mesh/probes.mesh.test.ts",
  as: "infra.",
};
const START: Publisher = { source: "packages/daemon/src/events/start-events.ts", test: FIRST };
const LINKS: Publisher = { source: "packages/root/src/events/link-events.ts", test: FIRST };

const INSTALLS: Publisher = {
  source: "packages/skills/src/skill/install/install-service.ts",
  test: "test/mesh/skills.mesh.test.ts",
  as: "repo.skill.install",
};

const PUBLISHED: Readonly<Record<string, Publisher>> = {
  "infra.database.connection.established@2": PROBES,
  "infra.database.connection.failed@2": PROBES,
  "infra.database.health.checked@2": PROBES,
  "mesh.alert.cleared@1": ALERTS,
  "mesh.alert.raised@1": ALERTS,
  "mesh.audit.recorded@1": {
    source: "packages/operations/src/audit/audit-record.ts",
    test: "test/mesh/doctor.mesh.test.ts",
    as: "adaos audit",
  },
  "mesh.delivery.dead_lettered@1": { source: "packages/hub/src/letters/letter-event.ts", test: FIRST },
  "mesh.link.down@1": LINKS,
  "mesh.link.up@1": LINKS,
  "mesh.node.ready@1": START,
  "mesh.policy.denied@1": {
    source: "packages/core/src/policy/denials.ts",
    test: "test/mesh/policy.mesh.test.ts",
  },
  "mesh.store.damaged@1": {
    source: "packages/transport-nats/src/positions/damage-events.ts",
    test: "test/mesh/stores.mesh.test.ts",
  },
  "repo.skill.install.result@1": INSTALLS,
  "repo.skill.installed@1": INSTALLS,
  "scenario.completed@1": {
    source: "packages/skills/src/scenario/runtime/bus-world.ts",
    test: "test/mesh/scenarios.mesh.test.ts",
  },
  "system.boot.completed@1": START,
  "timer.tick@1": { source: "packages/core/src/timer/timer.ts", test: FIRST },
};

/** Events that programs, people and things publish: their handlers and makers are in the default mesh's skills. */
const BY_ANYBODY: Readonly<Record<string, string>> = {
  "nlp.intent.detected@1": "a skill that understands speech or text: examples/skills/intents",
  "repo.skill.install@1": "a scenario or an interface",
  "scenario.run@1": "a timer, a skill or an interface",
  "ui.notify@1": "a scenario or a skill: deploy/scenarios/chime",
};

describe("the stable events of the default registry", async () => {
  const { records } = await loadRegistry(join(HOME, "schemas/events"));
  const stable = records.filter(({ status }) => status === "stable");
  const refs = stable.map(({ name, version }) => `${name}@${version}`);

  test("each have a publisher, and no publisher is listed for another event", () => {
    expect([...Object.keys(PUBLISHED), ...Object.keys(BY_ANYBODY)].toSorted()).toEqual(refs.toSorted());
  });

  test.each(Object.entries(PUBLISHED))("%s is named by its publisher, and by a test", (ref, publisher) => {
    const [name = ""] = ref.split("@");
    const names = (file: string, what: string): boolean =>
      readFileSync(join(HOME, file), "utf8").includes(what);
    const { source, test: seenBy, as = name } = publisher;
    expect([source, names(source, name), seenBy, names(seenBy, as)]).toEqual([source, true, seenBy, true]);
  });
});
