import type { Bus } from "@adaos/client";
import { classify, formatEventRef, fromCloudEvent, MeshError } from "@adaos/core";
import { decodeCloudEvent, messageOf, type TypeMap } from "@adaos/core/wire";

export interface BridgeInOptions {
  readonly subject: string;
  readonly durable: string;
  readonly types: TypeMap;
  /** Subject on the foreign server for messages that the mesh refuses, byte for byte. */
  readonly refused: string | undefined;
  /** Takes a message for the user. */
  readonly say: (line: string) => void;
}

/** A running part of the bridge. */
export interface BridgeRun {
  /** Rejects when the part cannot continue. */
  readonly ended: Promise<void>;
  /** Finishes messages in flight, or gives them up after a few seconds. */
  stop(): Promise<void>;
}

export interface ForeignMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Pause between two attempts. */
export const RETRY_MS = 2000;
/** For an error of unknown kind: it may be brief, or permanent. */
export const MAX_ATTEMPTS = 5;
/** For a temporary condition, such as a full outbox: ten minutes. */
export const MAX_PATIENT_ATTEMPTS = 300;

/** Published like any event of the member: by its rights, the contract, its outbox. */
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

/** Attempts in total after such an error; 1: the message itself is at fault. */
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
