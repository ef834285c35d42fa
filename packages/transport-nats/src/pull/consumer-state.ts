/** The part of a consumer's state that a puller reads. */
export interface ConsumerState {
  readonly created: string;
  readonly delivered: { readonly consumer_seq: number; readonly stream_seq: number };
  readonly ack_floor: { readonly stream_seq: number };
  readonly num_ack_pending: number;
}

/** A server's answer to a request for a consumer's state. */
export type ConsumerAnswer =
  | { readonly kind: "state"; readonly state: ConsumerState }
  | { readonly kind: "error"; readonly code: number; readonly description: string };

/** The answer lists all filters of a consumer: that of a region has one for each subnet and event that goes there. */
const MAX_ANSWER_BYTES = 1_048_576;
const MAX_TEXT = 200;

/** Reads an answer to `CONSUMER.INFO`; undefined for anything else. The server may belong to somebody else. Pure. */
export function parseConsumerAnswer(body: Uint8Array): ConsumerAnswer | undefined {
  if (body.length > MAX_ANSWER_BYTES) return undefined;
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  if (!isRecord(answer)) return undefined;
  const { error } = answer;
  if (error !== undefined) {
    if (!isRecord(error)) return undefined;
    const { code, description } = error;
    return { kind: "error", code: isCount(code) ? code : 0, description: plainText(description) };
  }
  const state = stateOf(answer);
  return state === undefined ? undefined : { kind: "state", state };
}

function stateOf(answer: Record<string, unknown>): ConsumerState | undefined {
  const { created, delivered, ack_floor: floor, num_ack_pending: pending } = answer;
  if (typeof created !== "string" || created.length > MAX_TEXT) return undefined;
  if (!isRecord(delivered) || !isRecord(floor) || !isCount(pending)) return undefined;
  const { consumer_seq: consumerSeq, stream_seq: streamSeq } = delivered;
  const { stream_seq: floorSeq } = floor;
  if (!isCount(consumerSeq) || !isCount(streamSeq) || !isCount(floorSeq)) return undefined;
  return {
    created,
    delivered: { consumer_seq: consumerSeq, stream_seq: streamSeq },
    ack_floor: { stream_seq: floorSeq },
    num_ack_pending: pending,
  };
}

/** A server's text in a form that is safe to show: short, and without control characters. */
export function plainText(text: unknown): string {
  return typeof text === "string" ? text.slice(0, MAX_TEXT).replaceAll(/[^ -~]/g, "?") : "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
