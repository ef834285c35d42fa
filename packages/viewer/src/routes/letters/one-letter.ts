import { decodeEnvelope } from "@adaos/core";
import { replayEventId } from "@adaos/core/wire";
import {
  durables,
  type EventMask,
  hubServers,
  type KeptDeadLetter,
  letterAt,
  type OpenServer,
  processingRecords,
  readReplays,
  withServers,
} from "@adaos/operations";
import type { Letter, LetterBytes } from "../../api/letters.ts";
import type { ViewerContext } from "../../http/route.ts";
import { rowOf } from "./letter-page.ts";

const MAX_TEXT_BYTES = 65_536;
const MAX_HEX_BYTES = 4096;
const HEX_LINE_BYTES = 16;

/** Everything known about the letter at a place. Rejects with `usage` when there is none. */
export async function readLetter(
  { at, place }: { readonly at: string; readonly place: string },
  context: ViewerContext,
): Promise<Letter> {
  const mask = await context.mask();
  let found: Letter | undefined;
  await withServers(hubServers(context.layout(), at), async (hub) => {
    const letter = await letterAt(hub, place);
    found = {
      ...shownLetter(letter, mask),
      handler: await handlerOf(hub, letter),
      ...(await replayOf(hub, letter)),
    };
  });
  if (found === undefined) throw new Error("a hub was asked");
  return found;
}

/** The part of the answer that the letter itself tells, masked. Pure. */
export function shownLetter(letter: KeptDeadLetter, mask: EventMask): Omit<Letter, "handler" | "replay"> {
  const { masked, ...entry } = mask.deadLetter(letter.entry);
  const body = Buffer.from(entry.message.body_base64, "base64");
  const envelope = envelopeOf(body);
  const { error, attempts, stream, seq, subject, correlation_id, rule, message } = entry;
  return {
    ...rowOf(letter),
    ...{ rule, error, attempts, stream, seq, subject, correlation_id },
    headers: message.headers,
    envelope: envelope ?? null,
    is_masked: masked === true,
    ...(masked === true || entry.kind === "run"
      ? {}
      : { bytes: shownBytes(body, message.truncated === true) }),
    replay_of: (envelope?.headers["replay_id"] ?? "").slice(0, 300),
  };
}

function envelopeOf(body: Uint8Array): ReturnType<typeof decodeEnvelope> | undefined {
  try {
    return decodeEnvelope(body, false);
  } catch {
    return undefined;
  }
}

function shownBytes(body: Buffer, isTruncated: boolean): LetterBytes {
  const lines: string[] = [];
  for (let from = 0; from < Math.min(body.length, MAX_HEX_BYTES); from += HEX_LINE_BYTES) {
    const line = body.subarray(from, from + HEX_LINE_BYTES);
    const hex = [...line].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = [...line]
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
      .join("");
    lines.push(`${from.toString(16).padStart(6, "0")}  ${hex.padEnd(HEX_LINE_BYTES * 3)} ${text}`);
  }
  const text = body.subarray(0, MAX_TEXT_BYTES).toString("utf8");
  return { length: body.length, text, hex: lines.join("\n"), is_truncated: isTruncated };
}

async function handlerOf(hub: OpenServer, { entry }: KeptDeadLetter): Promise<Letter["handler"]> {
  for await (const { node, durable, pending, unsettled, paused } of durables(hub))
    if (`${hub.of}/${node}` === entry.node && durable === entry.durable)
      return { pending, unsettled, is_paused: paused };
  return null;
}

/** The replay of a letter that was not taken away, and how it has ended. */
async function replayOf(
  hub: OpenServer,
  { entry }: KeptDeadLetter,
): Promise<Pick<Letter, "replay"> | object> {
  if (!(await readReplays(hub)).has(entry)) return {};
  const event_id = replayEventId(entry);
  for await (const record of processingRecords(hub, { node: entry.node, durable: entry.durable }))
    if (record.event_id === event_id) return { replay: { event_id, outcome: record.status } };
  return { replay: { event_id, outcome: "no failure is recorded" } };
}
