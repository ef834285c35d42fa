import type { EventKind } from "@adaos/core";
import { canBeVerb, isPastParticiple, pastParticipleOf } from "./past-participle.ts";

/** What ends the name of a reply; before it stands the name of its command. */
export const REPLY_TOKEN = "result";

/** A name that breaks the rules of names. */
export interface NamingProblem {
  readonly rule: "name-event" | "name-command" | "name-reply";
  readonly message: string;
  readonly suggestion?: string;
}

/**
 * Commands are `namespace.verb`, events end in what has happened, replies are their command's name and `.result`. Pure.
 * Whether the name may be one at all says `eventNameProblem()`.
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
