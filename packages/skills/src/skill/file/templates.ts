interface Parts {
  readonly handled: string;
  readonly published: string;
  /** An example of what it publishes. */
  readonly data: unknown;
}

export function javaScriptText({ handled, published, data }: Parts): string {
  return `/** @type {import("@adaos/skills/skill").Skill["handlers"]} */
export const handlers = {
  "${handled}": async (event, { log, publish }) => {
    log.info("handled", { event_id: event.event_id });
    await publish("${published}", ${literal(data)});
  },
};
`;
}

export function typeScriptText({ handled, published, data }: Parts): string {
  return `// Node strips the types from 22.18 on; for an older one build it and name the built file in skill.yaml: entry.
import type { Skill } from "@adaos/skills/skill";

export const handlers: Skill["handlers"] = {
  "${handled}": async (event, { log, publish }) => {
    log.info("handled");
    await publish("${published}", ${literal(data)});
  },
};
`;
}

export function pythonText({ handled, published, data }: Parts): string {
  return `"""Speaks the protocol of skills over standard input and output: a line of JSON each way."""

import json
import sys


def send(message):
    sys.stdout.write(json.dumps(message) + "\\n")
    sys.stdout.flush()


def main():
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "start":
            send({"type": "ready", "handlers": message["subscribe"]})
        elif message["type"] == "ping":
            send({"type": "pong", "id": message["id"]})
        elif message["type"] == "event" and message["handler"] == "${handled}":
            data = json.loads(${JSON.stringify(JSON.stringify(data))})
            send({"type": "publish", "id": 1, "delivery": message["id"], "event": "${published}", "data": data})
            send({"type": "done", "id": message["id"]})
        elif message["type"] == "result" and "error" in message:
            print(message["error"]["message"], file=sys.stderr)
        elif message["type"] == "stop":
            return


main()
`;
}

/** A value as an object in code. */
function literal(data: unknown): string {
  return JSON.stringify(data, undefined, 2).replaceAll("\n", "\n    ");
}
