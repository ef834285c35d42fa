import { MeshError } from "@adaos/core";
import { eventsStream, memberConsumer, originTokenProblem, quote } from "@adaos/core/wire";
import { type ConsumerConfig, type ConsumerInfo, DeliverPolicy } from "nats";
import { type DurableState, durableState } from "./durables.ts";
import type { OpenServer } from "./hubs.ts";
import { type Origin, targetOf } from "./replay/replay-target.ts";

/** A member's durable as an operator looks after it. */
export interface DurableRow extends DurableState {
  readonly pattern: string;
  /** The origin of its events; a part that is not given matches any. */
  readonly from: Origin;
  /** Requests of programs that wait at it; 0: no program uses it now. */
  readonly waiting: number;
  /** When it was last given an event or acknowledged one, RFC 3339; null for never. */
  readonly last_activity: string | null;
}

/** The name of a durable in a mesh: `beta/desk/screen`. */
export interface DurableName {
  readonly subnet: string;
  readonly node: string;
  readonly durable: string;
}

/** Where a durable begins anew. */
export type DurableStart =
  | { readonly kind: "new" }
  | { readonly kind: "all" }
  | { readonly kind: "seq"; readonly seq: number }
  | { readonly kind: "time"; readonly ms: number };

/** Parses `beta/desk/screen`. Throws `usage`. */
export function parseDurableName(text: string): DurableName {
  const [subnet = "", node = "", durable = "", ...rest] = text.split("/");
  if (rest.length > 0 || [subnet, node, durable].some((part) => originTokenProblem(part) !== undefined))
    throw new MeshError("usage", `${quote(text)} names no durable; write subnet/node/durable`);
  return { subnet, node, durable };
}

export function formatDurableName({ subnet, node, durable }: DurableName): string {
  return `${subnet}/${node}/${durable}`;
}

/** Every durable that members of a subnet have. The link's own is the mesh's, and is left out. */
export async function* memberDurables({ of, jsm }: OpenServer): AsyncGenerator<DurableRow> {
  for await (const info of jsm.consumers.list(eventsStream(of))) {
    const row = durableRow(of, info);
    if (row !== undefined) yield row;
  }
}

/** Undefined for a consumer that is not a member's durable. Pure. */
export function durableRow(subnet: string, info: ConsumerInfo): DurableRow | undefined {
  const target = targetOf(info);
  if (target === undefined) return undefined;
  return {
    ...durableState(subnet, info),
    pattern: target.pattern.text,
    from: target.from,
    waiting: info.num_waiting,
    last_activity: lastActivity(info),
  };
}

/** The server reports these times, though the client's types do not contain them. */
export function lastActivity({ delivered, ack_floor }: ConsumerInfo): string | null {
  const times = [delivered, ack_floor].flatMap((place: object) => {
    return "last_active" in place && typeof place.last_active === "string" ? [place.last_active] : [];
  });
  return times.sort().at(-1) ?? null;
}

/** Rejects with `usage` when the subnet has no such durable, or when a program waits at it. */
export async function findIdleDurable(
  hub: OpenServer,
  name: DurableName,
  force: boolean,
): Promise<DurableRow> {
  for await (const row of memberDurables(hub)) {
    if (row.node !== name.node || row.durable !== name.durable) continue;
    if (row.waiting === 0 || force) return row;
    const whose = formatDurableName(name);
    throw new MeshError("usage", `a program waits at the durable ${whose}; stop it first, or use --force`);
  }
  throw new MeshError("usage", `no durable ${formatDurableName(name)}; see adaos durables list`);
}

export async function deleteDurable(
  { jsm }: OpenServer,
  { subnet, node, durable }: DurableName,
): Promise<void> {
  await jsm.consumers.delete(eventsStream(subnet), memberConsumer(node, durable));
}

/**
 * Makes a durable anew at another place of its stream. A server refuses to move a durable beyond what it has
 * acknowledged, so it is deleted and added. The rights of its member name it, and stay. Rejects with the client's
 * errors.
 */
export async function resetDurable(
  { jsm }: OpenServer,
  name: DurableName,
  start: DurableStart,
): Promise<void> {
  const stream = eventsStream(name.subnet);
  const consumer = memberConsumer(name.node, name.durable);
  const { config } = await jsm.consumers.info(stream, consumer);
  await jsm.consumers.delete(stream, consumer);
  await jsm.consumers.add(stream, startingAt(config, start));
}

/** Pure. */
export function startingAt(config: ConsumerConfig, start: DurableStart): ConsumerConfig {
  const { opt_start_seq: _seq, opt_start_time: _time, ...rest } = config;
  switch (start.kind) {
    case "new":
      return { ...rest, deliver_policy: DeliverPolicy.New };
    case "all":
      return { ...rest, deliver_policy: DeliverPolicy.All };
    case "seq":
      return { ...rest, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.seq };
    case "time":
      return {
        ...rest,
        deliver_policy: DeliverPolicy.StartTime,
        opt_start_time: new Date(start.ms).toISOString(),
      };
  }
}
