import { type Logger, MeshError } from "@adaos/core";
import {
  type Documents,
  type DocumentWrite,
  documentSubject,
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_WRITES,
  type NodeAddress,
  type RecordKind,
  randomId,
  runChangedSubject,
  runRecordSubject,
  runsStream,
  type StoredDocument,
} from "@adaos/core/wire";
import { headers, type Msg } from "nats";
import type { Connection } from "../connection/connection.ts";
import { serverHeader } from "../connection/message-headers.ts";
import { FULL } from "../publish/publish-ack.ts";
import { StreamPublisher } from "../publish/stream-publisher.ts";

const ANSWER_MS = 5000;
/** The slowest line on which documents are stored: 10 kB/s. */
const BYTES_PER_MS = 10;
/** A removed document stays as an empty one for this long: a stream that others share is purged by its hub alone. */
const REMOVED_FOR = "2s";
/** Error codes of an expectation that is not met, alone and in a batch (nats-server 2.15). */
const CHANGED: ReadonlySet<number> = new Set([10071, 10164]);

interface Answer {
  readonly seq?: number;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** Documents and records of one node in streams of its hub. Uses a connection and does not own it. */
export class NatsDocuments implements Documents {
  readonly #connection: Connection;
  readonly #address: NodeAddress;
  readonly #records: Readonly<Record<"failed" | "other", StreamPublisher>>;
  readonly #log: Logger;

  constructor(connection: Connection, address: NodeAddress, log: Logger) {
    this.#connection = connection;
    this.#address = address;
    this.#log = log;
    // A batch goes to one stream, so each has a publisher of its own.
    const options = { isOrdered: false, maxMessageBytes: MAX_DOCUMENT_BYTES };
    this.#records = {
      failed: new StreamPublisher(connection, options),
      other: new StreamPublisher(connection, options),
    };
  }

  async read(key: string): Promise<StoredDocument | undefined> {
    const subject = `$JS.API.DIRECT.GET.${runsStream(this.#address.subnet)}.${documentSubject(this.#address, key)}`;
    const answer = await this.#request(subject, "", {});
    const { code = 0, description = "" } = answer.headers ?? {};
    if (code === 404) return undefined;
    if (code !== 0) throw new MeshError("unavailable", `document ${key}: ${description} (${code})`);
    return { text: answer.string(), seq: Number(serverHeader(answer, "Nats-Sequence")) };
  }

  async write(writes: readonly DocumentWrite[]): Promise<readonly number[] | undefined> {
    if (writes.length > MAX_DOCUMENT_WRITES)
      throw new MeshError("too-large", `at most ${MAX_DOCUMENT_WRITES} documents are written together`);
    for (const { key, text = "" } of writes)
      if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
        throw new MeshError("too-large", `document ${key} has more than ${MAX_DOCUMENT_BYTES} bytes`);
    const batchId = writes.length === 1 ? undefined : randomId();
    const messages = writes.map((write, i) => ({
      subject: documentSubject(this.#address, write.key),
      body: write.text ?? "",
      set: { ...headersOf(write), ...inBatch(batchId, i, writes.length) },
    }));
    const last = messages.pop();
    if (last === undefined) return [];
    for (const { subject, body, set } of messages)
      this.#open().publish(subject, body, { headers: toHeaders(set) });
    const bytes = writes.reduce((sum, { text = "" }) => sum + Buffer.byteLength(text), 0);
    const waitMs = ANSWER_MS + bytes / BYTES_PER_MS;
    const { seq, error } = readAnswer(await this.#request(last.subject, last.body, last.set, waitMs));
    if (error !== undefined) return refused(error);
    if (seq === undefined) throw new MeshError("internal", "the server's answer is not an acknowledgement");
    return writes.map((_, i) => seq - writes.length + 1 + i);
  }

  async record(scenario: string, kind: RecordKind, id: string, text: string): Promise<void> {
    const publisher = kind === "failed" ? this.#records.failed : this.#records.other;
    const subject = runRecordSubject(this.#address, scenario, kind);
    await publisher.publish({ subject, id, headers: {}, body: new TextEncoder().encode(text) });
  }

  onChanged(listener: (scenario: string) => void): () => void {
    const subscription = this.#connection.nc.subscribe(runChangedSubject(this.#address, "*"), {
      callback: (error, { subject }) => {
        if (error === null) listener(subject.slice(subject.lastIndexOf(".") + 1));
        else this.#log.warn({ err: error }, "changes of scenarios are not heard");
      },
    });
    return () => subscription.unsubscribe();
  }

  /** Sends the records that wait. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#records).map((publisher) => publisher.close()));
  }

  #open(): Connection["nc"] {
    const { nc, connected } = this.#connection;
    if (nc.isClosed()) throw new MeshError("closed", "the connection is closed");
    if (!connected) throw new MeshError("unavailable", "the hub is away: scenarios cannot be kept");
    return nc;
  }

  async #request(
    subject: string,
    body: string,
    set: Readonly<Record<string, string>>,
    timeout = ANSWER_MS,
  ): Promise<Msg> {
    const nc = this.#open();
    try {
      return await nc.request(subject, body, { timeout, headers: toHeaders(set) });
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", "the hub does not answer for scenarios");
    }
  }
}

/** Header lines of a write, without the client's object. */
function headersOf({ text, seq }: DocumentWrite): Record<string, string> {
  return {
    ...(seq === undefined ? {} : { "Nats-Expected-Last-Subject-Sequence": String(seq) }),
    ...(text === undefined ? { "Nats-TTL": REMOVED_FOR } : {}),
  };
}

function inBatch(batchId: string | undefined, index: number, count: number): Record<string, string> {
  if (batchId === undefined) return {};
  return {
    "Nats-Batch-Id": batchId,
    "Nats-Batch-Sequence": String(index + 1),
    ...(index === count - 1 ? { "Nats-Batch-Commit": "1" } : {}),
  };
}

function toHeaders(set: Readonly<Record<string, string>>): ReturnType<typeof headers> {
  const made = headers();
  for (const [name, value] of Object.entries(set)) made.set(name, value);
  return made;
}

function readAnswer(msg: Msg): Answer {
  if (msg.headers?.code === 503)
    throw new MeshError("unavailable", "no stream keeps scenarios; is the hub up?");
  try {
    const answer = msg.json<Answer | null>();
    if (typeof answer === "object" && answer !== null) return answer;
  } catch (cause) {
    throw new MeshError("internal", "the server's answer is not an acknowledgement", { cause });
  }
  throw new MeshError("internal", "the server's answer is not an acknowledgement");
}

function refused({ err_code: code = 0, description = "" }: NonNullable<Answer["error"]>): undefined {
  if (CHANGED.has(code)) return undefined;
  if (FULL.has(code))
    throw new MeshError(
      "backpressure",
      `the stream of scenarios is full (${description}): end runs that wait`,
    );
  if (code === 10054) throw new MeshError("too-large", `a document is too large: ${description}`);
  throw new MeshError("unavailable", `the server refused to keep a scenario: ${description} (${code})`);
}
