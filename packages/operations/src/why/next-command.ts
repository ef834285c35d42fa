import type { WhyFacts } from "./facts.ts";

/** The commands that show more, or repair it. */
export interface NextCommands {
  readonly status: string;
  readonly explain: string;
  readonly trace: string;
  readonly detail: string;
  readonly retry: string;
  readonly tail: string;
  readonly topics: string;
  readonly metrics: string;
  readonly durables: string;
  readonly rootLog: string;
  readonly denials: (subnet: string) => string;
  readonly replay: (durable: string) => string;
}

/** Pure. */
export function commandsOf({
  event,
  from,
  to,
  since,
  // A file on another machine, or the output of the root's daemon: the operator puts its place there.
  rootLog = "LOG_OF_ROOT",
}: WhyFacts): NextCommands {
  const ref = `${event.name}@${event.version}`;
  const [origin = ""] = from.split("/");
  const [subnet = ""] = to.split("/");
  const id = event.id ?? ref;
  return {
    status: "adaos status",
    explain: `adaos policy explain publish ${ref} --as ${from} --to ${to}`,
    trace: `adaos trace ${id}`,
    detail: `adaos events detail ${id}`,
    retry: `adaos events retry ${id}`,
    tail: `adaos events tail ${ref} --at ${origin} --since 1h`,
    topics: `adaos events topics`,
    metrics: `adaos events metrics`,
    durables: `adaos durables list --at ${subnet} --node ${to}`,
    rootLog: `grep "link refused an event" ${rootLog}`,
    denials: (at) => `adaos events tail mesh.policy.denied --at ${at} --since 1h`,
    replay: (durable) =>
      `adaos events replay ${ref} --at ${subnet} --to ${durable.split("/").slice(1).join("/")} --since ${since} --dry-run`,
  };
}
