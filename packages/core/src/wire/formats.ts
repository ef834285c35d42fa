import { MeshError } from "../language/errors.ts";
import { VERSION } from "../version.ts";

type Content = Readonly<Record<string, unknown>>;
/** Makes a content of one format from one of the format before. */
type Step = (before: Content) => Content;

/** Something that outlives a process. */
export interface Format {
  /** What it is, and where it is kept. */
  readonly what: string;
  /** How its number is told. Without a number it has format 1. */
  readonly told: "key" | "suffix" | "metadata";
  /** The first step leads from format 1 to 2, and so on: the number of this version is one more than the steps. */
  readonly steps: readonly Step[];
}

/** Key of a file's number. */
const FORMAT_KEY = "format";
/** Key of a stream's number in its metadata. */
export const STREAM_FORMAT = "adaos-format";

export type FormatId =
  | "layout"
  | "nodeFile"
  | "processTable"
  | "positions"
  | "invitation"
  | "machine"
  | "applied"
  | "joined"
  | "viewerJob"
  | "viewerToken"
  | "outbox"
  | "marks"
  | "EVENTS"
  | "DLQ"
  | "PARKED"
  | "PROCESSING"
  | "DONE"
  | "METRICS"
  | "TIMERS"
  | "RUNS"
  | "RUN_RECORDS"
  | "FAILED_RUNS"
  | "ALERTS"
  | "MESH";

const key = (what: string): Format => ({ what, told: "key", steps: [] });
const suffix = (what: string): Format => ({ what, told: "suffix", steps: [] });
const metadata = (what: string): Format => ({ what, told: "metadata", steps: [] });

/**
 * Every format with a number of its own. docs/reference/formats.md describes each; docs/decisions/upgrade.md has the
 * rule for a change.
 */
export const FORMATS: Readonly<Record<FormatId, Format>> = {
  layout: key("mesh.json"),
  nodeFile: key("nodes/<node>.json"),
  processTable: key("processes.json"),
  positions: key("positions/<node>.json"),
  invitation: key("invitations/<id>.json"),
  machine: key("machines/<id>.json"),
  applied: key("applied.json"),
  joined: key("keys/joined.json"),
  viewerJob: key("viewer/jobs/<id>.json"),
  viewerToken: key("viewer/tokens/<id>.json"),
  outbox: suffix("outbox/<node>/*.outbox"),
  marks: suffix("marks/<node>/*.marks"),
  EVENTS: metadata("stream EVENTS_<subnet>"),
  DLQ: metadata("stream DLQ_<subnet>"),
  PARKED: metadata("stream PARKED_<subnet>"),
  PROCESSING: metadata("stream PROCESSING_<subnet>"),
  DONE: metadata("stream DONE_<subnet>_<member>"),
  METRICS: metadata("stream METRICS_<subnet>"),
  TIMERS: metadata("stream TIMERS_<subnet>"),
  RUNS: metadata("stream RUNS_<subnet>"),
  RUN_RECORDS: metadata("stream RUN_RECORDS_<subnet>"),
  FAILED_RUNS: metadata("stream FAILED_RUNS_<subnet>"),
  ALERTS: metadata("stream ALERTS_<subnet>"),
  MESH: metadata("stream MESH"),
};

/** The number that this version writes, and the highest that it reads. */
export function formatOf({ steps }: Format): number {
  return steps.length + 1;
}

/**
 * A file's content in the format of this version: an older one is migrated. Throws `invalid-config` for a newer one.
 * Pure.
 * @param place The file, for the message.
 */
export function inFormat(format: Format, content: object, place: string): Content {
  const { [FORMAT_KEY]: told = 1, ...rest } = content as Content;
  const number = told as number;
  if (!Number.isSafeInteger(told) || number < 1)
    throw new MeshError("invalid-config", `${place} tells no valid format; restore it from a backup`);
  assertReadable(number, format, place);
  return format.steps.slice(number - 1).reduce<Content>((before, step) => step(before), rest);
}

/** Whether a later version has written a content, so that nothing of its shape is known. Pure. */
export function isNewer(format: Format, content: unknown): boolean {
  if (typeof content !== "object" || content === null) return false;
  const { [FORMAT_KEY]: told } = content as Content;
  return typeof told === "number" && told > formatOf(format);
}

/** The content with its number, to be written. Pure. */
export function withFormat<T extends object>(format: Format, content: T): T & { readonly format: number } {
  return { format: formatOf(format), ...content };
}

/**
 * Refuses a folder with a file of a newer format: `<name><suffix><number>`. Throws `invalid-config`. Pure.
 * @param names Its files.
 */
export function assertSuffixes(
  format: Format,
  names: readonly string[],
  suffixText: string,
  folder: string,
): void {
  for (const name of names) {
    const [, number] = /(\d+)$/.exec(name) ?? [];
    if (number === undefined || !name.slice(0, -number.length).endsWith(suffixText)) continue;
    assertReadable(Number(number), format, `${folder}/${name}`);
  }
}

/** The format of a stream, by its name: the part in capitals. Undefined for a stream of others. Pure. */
export function streamFormat(stream: string): Format | undefined {
  const [kind = ""] = /^[A-Z]+(?:_[A-Z]+)*(?=_|$)/.exec(stream) ?? [];
  const formats: Readonly<Record<string, Format>> = FORMATS;
  const format = Object.hasOwn(formats, kind) ? formats[kind] : undefined;
  return format?.told === "metadata" ? format : undefined;
}

/** The number in a stream's metadata. Throws `invalid-config` when this version cannot read the stream. Pure. */
export function assertStreamFormat(
  stream: string,
  told: Readonly<Record<string, string>> | undefined,
): number {
  const text = told?.[STREAM_FORMAT] ?? "1";
  const number = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  const format = streamFormat(stream);
  if (format !== undefined) assertReadable(number, format, `stream ${stream}`);
  return number;
}

function assertReadable(number: number, format: Format, place: string): void {
  const own = formatOf(format);
  if (number <= own) return;
  throw new MeshError(
    "invalid-config",
    `${place} has format ${Number.isFinite(number) ? number : "unknown"}, and adaos ${VERSION} reads formats up to ${own}: run the version that wrote it or a later one, or restore a backup`,
  );
}
