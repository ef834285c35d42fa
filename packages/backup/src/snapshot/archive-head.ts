import { ByteReader } from "./byte-reader.ts";

/*
 * The content of a snapshot, since nats-server 2.15: a magic word and entries. An entry is the length of its name, a
 * time, a sequence, the lengths of its header and of its body, all as varints, then name, header and body. The first
 * is the stream's state, then its consumers come, then its messages, and an empty one at the end.
 */

const MAGIC = Buffer.from("NATSARC1");
const STATE = "state.json";
const CONSUMERS = "consumers/";
const MAX_NAME_BYTES = 65_536;
/** A consumer's pending messages make it large. */
const MAX_HEAD_BYTES = 67_108_864;

/** A consumer, in the server's own words: its settings and its state. */
export interface ConsumerText {
  readonly name: string;
  readonly text: string;
}

/** The entries before the first message. */
export interface ArchiveHead {
  readonly state: string;
  readonly consumers: readonly ConsumerText[];
}

interface Entry {
  readonly name: string;
  readonly seq: number;
  readonly bytes: number;
}

/** Reads no further than needed. Rejects with an Error for content of another form. */
export async function readHead(content: AsyncIterable<Buffer>): Promise<ArchiveHead> {
  const reader = new ByteReader(content);
  try {
    const state = await readState(reader);
    const consumers: ConsumerText[] = [];
    for (;;) {
      const { name, seq, bytes } = await readEntry(reader);
      if (seq !== 0 || !name.startsWith(CONSUMERS)) return { state, consumers };
      consumers.push({ name: name.slice(CONSUMERS.length), text: await readText(reader, bytes) });
    }
  } finally {
    await reader.close();
  }
}

/** Content without consumers, with these ones. Rejects with an Error for content of another form. */
export async function* withConsumers(
  content: AsyncIterable<Buffer>,
  consumers: readonly ConsumerText[],
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(content);
  try {
    const state = JSON.parse(await readState(reader)) as object;
    const counted = JSON.stringify({ ...state, consumer_count: consumers.length });
    yield Buffer.concat([
      MAGIC,
      entryOf(STATE, counted),
      ...consumers.map(({ name, text }) => entryOf(`${CONSUMERS}${name}`, text)),
    ]);
    for (let part = await reader.some(1_048_576); part !== undefined; part = await reader.some(1_048_576))
      yield part;
  } finally {
    await reader.close();
  }
}

async function readState(reader: ByteReader): Promise<string> {
  const magic = await reader.exactly(MAGIC.length);
  if (magic?.equals(MAGIC) !== true)
    throw new Error("it has the form of nats-server 2.14; backups need nats-server 2.15 or newer");
  const { name, bytes } = await readEntry(reader);
  if (name !== STATE) throw new Error("it does not begin with the state of the stream");
  return readText(reader, bytes);
}

async function readEntry(reader: ByteReader): Promise<Entry> {
  const nameBytes = await readVarint(reader);
  // The time: a number of nanoseconds, which is not needed here.
  await readVarint(reader);
  const seq = await readVarint(reader);
  const bytes = (await readVarint(reader)) + (await readVarint(reader));
  if (nameBytes > MAX_NAME_BYTES) throw new Error("it is damaged");
  const name = nameBytes === 0 ? "" : ((await reader.exactly(nameBytes))?.toString() ?? "");
  return { name, seq, bytes };
}

async function readText(reader: ByteReader, bytes: number): Promise<string> {
  if (bytes > MAX_HEAD_BYTES) throw new Error("it is damaged");
  const text = bytes === 0 ? undefined : await reader.exactly(bytes);
  if (text === undefined) throw new Error("it ends too early");
  return text.toString();
}

/** Exact below 2^53. */
async function readVarint(reader: ByteReader): Promise<number> {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = (await reader.exactly(1))?.[0];
    if (byte === undefined) throw new Error("it ends too early");
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return value;
  }
  throw new Error("it is damaged");
}

function entryOf(name: string, text: string): Buffer {
  const [named, body] = [Buffer.from(name), Buffer.from(text)];
  const numbers = [named.length, 0, 0, 0, body.length].map(varint);
  return Buffer.concat([...numbers, named, body]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
