import { firstLine, letterIdOf, type ProcessingRecord } from "@adaos/core/wire";
import {
  type FailedRecord,
  failedRecords,
  hubServers,
  isMatched,
  type LetterFilter,
  Newest,
  withEach,
} from "@adaos/operations";
import type { FailureRow, Failures } from "../../api/letters.ts";
import type { ViewerContext } from "../../http/route.ts";
import { type ListFilter, letterFilter } from "./filter.ts";

const MAX_ROWS = 200;
const MAX_RECORDS_READ = 500_000;
const READ_LIMIT_MS = 40_000;
const MAX_CHARS = 300;
const MAX_MESSAGE_CHARS = 160;

/** The newest failures that a filter matches, and how their replays have ended. */
export async function listFailures(filter: ListFilter, context: ViewerContext): Promise<Failures> {
  const wanted = letterFilter(filter);
  const newest = new Newest<FailedRecord>(MAX_ROWS, ({ record }) => record.timestamp);
  // A replay has the id of another event; how it stands is told by that event's record, which is in no order with it.
  const outcomes = new Outcomes();
  const limitMs = performance.now() + READ_LIMIT_MS;
  let read = 0;
  let isCut = false;
  const away = await withEach(hubServers(context.layout(), filter.at), async (hub) => {
    const each = (record: ProcessingRecord): void => outcomes.add(record);
    for await (const failed of failedRecords(hub, wanted, undefined, each)) {
      isCut ||= ++read > MAX_RECORDS_READ || performance.now() > limitMs;
      if (isCut) return;
      if (isMeant(wanted, filter.replayed, failed)) newest.add(failed);
    }
  });
  const rows = newest.items().toReversed();
  return {
    rows: rows.map((failed) => rowOf(failed, outcomes)),
    total: newest.seen,
    away: away.map(({ of, reason }) => ({ of, reason })),
    is_cut: isCut,
  };
}

/** How replays stand. Only records of replays are kept, and no more than a page can show many times over. */
class Outcomes {
  readonly #byEvent = new Map<string, string>();
  static readonly #MAX = 100_000;

  add({ node, durable, event_id, status }: ProcessingRecord): void {
    if (this.#byEvent.size < Outcomes.#MAX) this.#byEvent.set(`${node} ${durable} ${event_id}`, status);
  }

  of({ node, durable }: ProcessingRecord, eventId: string): string {
    return this.#byEvent.get(`${node} ${durable} ${eventId}`) ?? "";
  }
}

function isMeant(
  wanted: LetterFilter,
  replayed: ListFilter["replayed"],
  { record, replays }: FailedRecord,
): boolean {
  if ((replayed === "yes" && replays.length === 0) || (replayed === "no" && replays.length > 0)) return false;
  const { timestamp: at, event_id, event_type: event_name, error_info: info } = record;
  const error = { type: info?.type ?? "", message: info?.message ?? "", stack: "" };
  return isMatched(wanted, {
    ...{ at, error, event_id, event_name, correlation_id: "" },
    dead_letter_id: letterIdOf(record),
  });
}

function rowOf({ record, replays }: FailedRecord, outcomes: Outcomes): FailureRow {
  const { node, durable, event_id, seq, status, event_type, timestamp, error_info: info } = record;
  const clip = (text: string): string => text.slice(0, MAX_CHARS);
  const last = replays.at(-1);
  return {
    key: `${clip(node)} ${clip(durable)} ${clip(event_id)} ${seq}`,
    letter_id: clip(letterIdOf(record)),
    event_id: clip(event_id),
    event: clip(event_type),
    at: timestamp.slice(0, 40),
    category: info?.category ?? "",
    node: clip(node),
    durable: clip(durable),
    type: clip(info?.type ?? ""),
    message: firstLine(info?.message ?? "", MAX_MESSAGE_CHARS),
    status,
    ...(last === undefined ? {} : { replay: { event_id: clip(last), outcome: outcomes.of(record, last) } }),
  };
}
