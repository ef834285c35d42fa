import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const INTENT = "nlp.intent.detected@1";
const on = (intent: string): string =>
  `triggers: [{ event: ${INTENT}, when: event.data.intent == "${intent}" }]`;

/** Markup and a character that turns the text after it. */
export const HOSTILE: string = '<img src="x" onerror="alert(1)">\u202Eevil';

const GREET = `description: Says good morning.
${on("wake")}
conditions:
  - event.data.slots.room != "cellar"
effects:
  - choose:
      - when: event.data.slots.room == "attic"
        effects:
          - publish: ui.notify@1
            data: { text: "Good morning up there" }
      - when: event.data.slots.room == "hall"
        effects:
          - publish: ui.notify@1
            data: { text: "Good morning" }
    otherwise:
      - stop: nobody sleeps there
  - parallel:
      - [{ delay: 2s }, { publish: ui.notify@1, data: { text: "Tea" } }]
      - [{ delay: 1s }]
`;

/** Files of a folder: scenarios and skills of one mesh. */
const FILES: Readonly<Record<string, string>> = {
  "scenarios/chime/scenario.yaml": `triggers:
  - event: timer.tick@1
    when: event.data.timer == "hour"
effects:
  - publish: ui.notify@1
    data: { title: chime, text: "ding" }
`,
  "scenarios/greet/scenario.yaml": GREET,
  "scenarios/greet-next/scenario.yaml": `shadow: true\n${GREET.replace("Good morning up there", "Good day up there")}`,
  "scenarios/slow/scenario.yaml": `${on("sleep")}
effects:
  - publish: ui.notify@1
    data: { text: "Good night" }
  - delay: 1h
  - publish: ui.notify@1
    data: { text: "Still asleep" }
`,
  "scenarios/fail/scenario.yaml": `${on("install")}
effects:
  - publish: ui.notify@1
    data: { text: first }
  - stop: "no room for \${event.data.slots.room}"
    failed: true
`,
  "scenarios/broken/scenario.yaml": `${on("break")}
effects:
  - publish: no.such.event@1
`,
  "skills/scribe/skill.yaml": "name: scribe\nversion: 1.0.0\nevents:\n  subscribe: [ui.notify@1]\n",
  "skills/scribe/index.mjs": `export const handlers = {
  "ui.notify@1": ({ data }, { log }) => {
    log.info("told", { text: data.text });
    log.warn(${JSON.stringify(HOSTILE)});
  },
};
`,
};

/** A mesh of two subnets in which much happens by itself. */
export interface BehaviourScene {
  readonly yaml: string;
  remove(): void;
}

/** Writes scenarios and skills into a temporary folder. */
export function behaviourScene(): BehaviourScene {
  const folder = mkdtempSync(join(tmpdir(), "adaos-behaviour-"));
  for (const [name, text] of Object.entries(FILES)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const yaml = `
mesh: behaviour
registry: ../schemas/events
policy:
  - { id: start, allow: publish, events: [system.boot.completed, mesh.node.ready] }
  - { id: ticks, allow: publish, events: timer.tick, member: kitchen }
subnets:
  alpha:
    members:
      kitchen:
        publish: [ui., scenario.]
        subscribe: [nlp., ui., timer.]
        timers: { hour: { cron: "0 * * * *", event: timer.tick@1 } }
        scenarios: [${JSON.stringify(join(folder, "scenarios"))}]
      speaker:
        publish: [nlp.]
        subscribe: [nlp., ui.]
        skills: [${JSON.stringify(join(folder, "skills"))}]
  beta:
    members:
      desk: { publish: [ui.], subscribe: [ui.] }
`;
  return { yaml, remove: () => rmSync(folder, { recursive: true }) };
}
