import type { Bus } from "@adaos/client";
import { classify, formatEventRef, fromCloudEvent, MeshError } from "@adaos/core";
import { decodeCloudEvent, messageOf, type TypeMap } from "@adaos/core/wire";

export interface BridgeInOptions {
  readonly subject: string;
  readonly durable: string;
  readonly types: TypeMap;
  /** Where on the foreign server goes what the mesh refuses, byte for byte. */
  readonly refused: string | undefined;
  /** Tells what somebody should know. */
  readonly say: (line: string) => void;
}

/** A part of the bridge that runs. */
export interface BridgeRun {
  /** Rejects when it cannot go on. */
  readonly ended: Promise<void>;
  /** What is under way is finished, or given up after a few seconds. */
  stop(): Promise<void>;
}

export interface ForeignMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Between two attempts. */
export const RETRY_MS = 2000;
/** Of what is of no known kind: it may be over in a moment, or a fault that is never over. */
export const MAX_ATTEMPTS = 5;
/** Of what will be over, as a full outbox: ten minutes. */
export const MAX_PATIENT_ATTEMPTS = 300;

/** By the same way as any event of the member: its rights, the contract, its outbox. */
export async function publishForeign(
  bus: Pick<Bus, "publish">,
  message: ForeignMessage,
  types: TypeMap,
): Promise<void> {
  const { event_id, event_name, version, correlation_id, causation_id, headers, data } = fromCloudEvent(
    decodeCloudEvent(message),
    types,
  );
  await bus.publish(formatEventRef(event_name, version), data, {
    eventId: event_id,
    correlationId: correlation_id,
    ...(causation_id === undefined ? {} : { causationId: causation_id }),
    headers,
  });
}

/** How often to try in all what has failed so; 1: the message itself is at fault. */
export function attemptsAfter(thrown: unknown): number {
  if (classify(thrown).category === "transient") return MAX_PATIENT_ATTEMPTS;
  return thrown instanceof MeshError ? 1 : MAX_ATTEMPTS;
}

/** The headers of a refused message, with the reason. */
export function refusedHeaders({ headers }: ForeignMessage, thrown: unknown): Record<string, string> {
  const why = messageOf(thrown)
    .slice(0, 1000)
    .replaceAll(/[^ -~]/g, "?");
  const kept = Object.entries(headers).filter(([name]) => !/^nats-/i.test(name));
  return { ...Object.fromEntries(kept), "Adaos-Refused": why };
}
