import { existsSync, readFileSync } from "node:fs";
import { lostFile, nodeId, positionsPath } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import {
  type AstrayDurable,
  type BookedStream,
  healDurable,
  listStreams,
  parseBook,
  type StreamVerdict,
  type VerifyOptions,
  verifyStream,
} from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";

/** A stream of one server, compared with where it stood. */
export interface StoreRow extends Omit<StreamVerdict, "astray"> {
  /** The subnet, or `root`. */
  readonly of: string;
  /** Durables that would pass over events, and the place from which each goes on when it is healed. */
  readonly astray: readonly { readonly consumer: string; readonly goesOnAt: number }[];
}

/** A loss that was found before, as the ledger of a node names it. */
export interface KnownLoss {
  readonly stream: string;
  readonly foundAt: string;
  readonly lost: readonly { readonly from: number; readonly to: number }[];
}

const MAX_KNOWN = 1000;

/** Whether something is wrong with a stream. Pure. */
export function isDamaged({ damage, unreadable, astray }: StoreRow): boolean {
  return damage !== undefined || unreadable.length > 0 || astray.length > 0;
}

/** Every stream of a server. Rejects with `unavailable`, or `invalid-config` for positions that cannot be read. */
export async function* verifyStore(
  server: OpenServer,
  stateDir: string,
  options: VerifyOptions,
): AsyncGenerator<StoreRow> {
  for await (const { astray, ...verdict } of verdictsOf(server, stateDir, options)) {
    const durables = astray.map(({ consumer, position, intactTo }) => {
      return { consumer, goesOnAt: Math.min(position.floor, intactTo) + 1 };
    });
    yield { of: server.of, ...verdict, astray: durables };
  }
}

/** A durable of one server that is to be made anew. */
export interface HealStep {
  readonly stream: string;
  readonly durable: AstrayDurable;
}

/** The durables that have to be made anew. Rejects as {@link verifyStore} does. */
export async function planHeal(server: OpenServer, stateDir: string): Promise<HealStep[]> {
  const steps: HealStep[] = [];
  for await (const { stream, astray } of verdictsOf(server, stateDir, {
    isDeep: false,
    onRead: () => undefined,
  }))
    for (const durable of astray) steps.push({ stream, durable });
  return steps;
}

/** Rejects with the client's errors. */
export async function applyHeal({ jsm }: OpenServer, { stream, durable }: HealStep): Promise<void> {
  await healDurable(jsm, stream, durable);
}

/** The losses of a server's streams that were found before. */
export function knownLosses(stateDir: string, of: string): KnownLoss[] {
  const file = lostFile(bookFile(stateDir, of));
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trimEnd().split("\n").slice(-MAX_KNOWN);
  return lines.flatMap((line) => {
    const { stream, foundAt, lost } = parseLine(line);
    return stream === undefined || foundAt === undefined || lost === undefined
      ? []
      : [{ stream, foundAt, lost }];
  });
}

/** A line that a crash has cut short contains no loss. */
function parseLine(line: string): Partial<KnownLoss> {
  try {
    return JSON.parse(line) as Partial<KnownLoss>;
  } catch {
    return {};
  }
}

async function* verdictsOf(
  { of, connection, jsm }: OpenServer,
  stateDir: string,
  options: VerifyOptions,
): AsyncGenerator<StreamVerdict> {
  const booked = readBook(bookFile(stateDir, of));
  const infos = await listStreams(jsm);
  for (const name of Object.keys(booked)) {
    if (!infos.has(name))
      throw new MeshError("unavailable", `stream ${name} of ${of} is not there; is its daemon up?`);
  }
  for (const [name, info] of infos) yield await verifyStream(connection, jsm, info, booked[name], options);
}

/** Several root daemons each keep a book of the same streams: the first daemon's book is complete. */
function bookFile(stateDir: string, of: string): string {
  return positionsPath(stateDir, of === ROOT_DOMAIN ? nodeId("root") : nodeId({ subnet: of, node: "hub" }));
}

function readBook(file: string): Readonly<Record<string, BookedStream>> {
  return existsSync(file) ? parseBook(readFileSync(file, "utf8")).streams : {};
}
