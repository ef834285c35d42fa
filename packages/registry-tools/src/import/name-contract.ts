import { type EventKind, MeshError, parseEventRef } from "@adaos/core";
import { eventNameProblem, quote } from "@adaos/core/wire";
import type { Naming } from "./found-contract.ts";

/** The name of an imported contract here. */
export interface ContractName {
  readonly name: string;
  readonly version: number;
  readonly kind: EventKind;
}

const KINDS: readonly string[] = ["event", "command", "reply"];
const SEPARATORS = /[./:]/;
const VERSION = /^v?([1-9][0-9]{0,3})$/i;
/** `created_v2`, `created-v2`, `created@2` */
const VERSION_AT_END = /^(.+?)(?:[-_]v|@v?)([1-9][0-9]{0,3})$/i;

/**
 * Name, version and kind for a source's `com.example.order.created.v2`, `OrderCreated` or `orders/created`. Pure.
 * Separators are `.`, `/` and `:`. Words of a last token in camel case become tokens, those of others are joined by
 * `_`. A last `v2`, `2` or `@2` is the version.
 * @throws MeshError `usage` where the result is not an event name.
 */
export function nameContract(called: string, naming: Naming, versionHint = 1): ContractName {
  const mapped = naming.map.get(called);
  if (mapped !== undefined) return parseMapped(called, mapped, naming.kind, versionHint);
  const { strip = "", prefix } = naming;
  const rest = strip !== "" && called.startsWith(strip) ? called.slice(strip.length) : called;
  const tokens = rest.split(SEPARATORS);
  const version = takeVersion(tokens) ?? versionHint;
  const last = tokens.pop() ?? "";
  const words = [...tokens.map((token) => wordsOf(token).join("_")), ...wordsOf(last)];
  const name = [...(prefix === undefined ? [] : [prefix.replace(/\.$/, "")]), ...words].join(".");
  const problem = eventNameProblem(name);
  if (problem !== undefined) {
    throw new MeshError(
      "usage",
      `${quote(called)} gives the name ${quote(name)}, which ${problem}; say what it is called by --map, --prefix or --strip`,
    );
  }
  const kind = naming.kind === "command" && name.endsWith(".result") ? "reply" : naming.kind;
  return { name, version, kind };
}

/** `--map` FROM=TO with TO as `name`, `name@2`, `name:command` or `name@2:command`. */
function parseMapped(called: string, text: string, kind: EventKind, versionHint: number): ContractName {
  const colon = text.indexOf(":");
  const ref = colon < 0 ? text : text.slice(0, colon);
  const named = colon < 0 ? kind : text.slice(colon + 1);
  if (!KINDS.includes(named))
    throw new MeshError("usage", `--map ${quote(called)}: ${quote(named)} is not event, command or reply`);
  try {
    const { name, version } = parseEventRef(ref);
    return { name, version: version ?? versionHint, kind: named as EventKind };
  } catch (cause) {
    throw new MeshError("usage", `--map ${quote(called)}: ${quote(ref)} is no event: lab.sample.weighed@1`, {
      cause,
    });
  }
}

function takeVersion(tokens: string[]): number | undefined {
  const last = tokens.at(-1) ?? "";
  const alone = tokens.length > 1 ? VERSION.exec(last)?.[1] : undefined;
  if (alone !== undefined) {
    tokens.pop();
    return Number(alone);
  }
  const [, before, version] = VERSION_AT_END.exec(last) ?? [];
  if (before === undefined) return undefined;
  tokens[tokens.length - 1] = before;
  return Number(version);
}

/** `OrderCreated`, `HTTPRequest`, `order created`: order, created. Text without words stays unchanged. */
function wordsOf(token: string): string[] {
  const words = token
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .split(/\s+/);
  return words.map((word) => word.toLowerCase());
}
