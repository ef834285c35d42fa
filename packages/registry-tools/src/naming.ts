import type { EventKind } from "@adaos/core";
import { canBeVerb, isPastParticiple, pastParticipleOf } from "./past-participle.ts";

/** The last token of a reply's name; the name of its command comes before it. */
export const REPLY_TOKEN = "result";

/** A name that breaks a naming rule. */
export interface NamingProblem {
  readonly rule: "name-event" | "name-command" | "name-reply";
  readonly message: string;
  readonly suggestion?: string;
}

/**
 * Commands are `namespace.verb`, events end in a past participle, replies are their command's name and `.result`.
 * Pure. `eventNameProblem()` checks the form of the name.
 */
export function namingProblem(name: string, kind: EventKind): NamingProblem | undefined {
  const tokens = name.split(".");
  const last = tokens.at(-1) ?? "";
  const stem = tokens.slice(0, -1).join(".");
  if (kind === "reply") {
    if (last === REPLY_TOKEN && tokens.length > 2) return undefined;
    const told = `the reply ${name} must be named <command>.${REPLY_TOKEN}`;
    return { rule: "name-reply", message: told, suggestion: `${name}.${REPLY_TOKEN}` };
  }
  if (last === REPLY_TOKEN) {
    return { rule: `name-${kind}`, message: `${name} ends in ${REPLY_TOKEN}, as only replies do` };
  }
  if (kind === "command") {
    if (canBeVerb(last)) return undefined;
    return {
      rule: "name-command",
      message: `the command ${name} must end in a verb (namespace.verb), ${last} says what has happened`,
    };
  }
  if (isPastParticiple(last)) return undefined;
  return {
    rule: "name-event",
    message: `the event ${name} must end in what has happened (namespace.noun.past), ${last} does not`,
    suggestion: `${stem}.${pastParticipleOf(last)}`,
  };
}
