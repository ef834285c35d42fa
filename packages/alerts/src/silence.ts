import { MeshError } from "@adaos/core";
import { ALERT_RULES, ALERTS, type JudgedAlertId, nearest, visibleJson } from "@adaos/core/wire";
import { AlertStore } from "./alert-store.ts";
import type { Silence } from "./record.ts";

/** Longest time that an alert is silenced for. */
export const MAX_SILENCE_MS: number = 90 * 86_400_000;
const MAX_REASON = 300;

/**
 * The name of an alert (`linkDown/alpha`) or of a rule (`linkDown`), also where a collector's name is given. Throws
 * `usage` for a name without a rule: it would silence nothing.
 */
export function silencedName(given: string): string {
  const [rule = "", ...places] = given.split("/");
  const ids = Object.keys(ALERT_RULES) as JudgedAlertId[];
  const id = ids.find((one) => one === rule || ALERTS[one].name === rule);
  if (id !== undefined) return [id, ...places].join("/");
  const near = nearest(rule, ids);
  const hint = near === undefined ? `there are ${ids.join(", ")}` : `did you mean ${near}?`;
  throw new MeshError("usage", `no rule ${visibleJson(rule)} is judged; ${hint}`);
}

/** A silence that begins now. Throws `usage` for one of no time, or of more than 90 days. */
export function newSilence(
  name: string,
  { forMs, reason, by }: { readonly forMs: number; readonly reason: string; readonly by: string },
  nowMs: number,
): Silence {
  if (!(forMs > 0 && forMs <= MAX_SILENCE_MS))
    throw new MeshError("usage", "a silence lasts for more than 0s and at most 90d");
  return silenceUntil(name, { untilMs: nowMs + forMs, reason, by }, nowMs);
}

/** Ends a silence now. Resolves with whether there was one. */
export async function endSilence(
  store: AlertStore,
  name: string,
  by: string,
  nowMs: number,
): Promise<boolean> {
  const known = (await store.silences()).find((silence) => silence.name === name);
  if (known === undefined || Date.parse(known.until) <= nowMs) return false;
  await store.storeSilence(silenceUntil(name, { untilMs: nowMs, reason: known.reason, by }, nowMs));
  return true;
}

function silenceUntil(
  name: string,
  { untilMs, reason, by }: { readonly untilMs: number; readonly reason: string; readonly by: string },
  nowMs: number,
): Silence {
  const [until, at] = [new Date(untilMs).toISOString(), new Date(nowMs).toISOString()];
  return { name, until, reason: reason.slice(0, MAX_REASON), by, at };
}

type OpenedServer = { readonly of: string } & {
  readonly connection: ConstructorParameters<typeof AlertStore>[1];
  readonly jsm: ConstructorParameters<typeof AlertStore>[2];
};

/** Runs `use` with the store of a server. Resolves with whether the server has one. */
export async function withAlertStore(
  { of, connection, jsm }: OpenedServer,
  use: (store: AlertStore) => Promise<void>,
): Promise<boolean> {
  const store = new AlertStore(of, connection, jsm);
  try {
    if (!(await store.exists())) return false;
    await use(store);
    return true;
  } finally {
    await store.close();
  }
}
