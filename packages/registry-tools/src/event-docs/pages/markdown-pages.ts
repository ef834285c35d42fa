import { basename, join, relative, sep } from "node:path";
import { commandOf, type EventDoc, type EventDocs, replyOf, versionsOf } from "../event-doc.ts";
import { code, escaped, jsonBlock, markdownTable, oneLine, plain } from "./markdown-text.ts";
import { piecesOf } from "./mentions.ts";
import {
  idempotencyOf,
  importsOf,
  MARK,
  MAX_EXAMPLES,
  names,
  notesOf,
  noticeOf,
  pathOf,
  publishersOf,
  subscribersOf,
} from "./page-facts.ts";

const HEAD = `<!-- ${MARK} -->`;

/** Paths of the pages. */
export interface PagePlaces {
  readonly output: string;
  readonly site: string;
  /** A page about events in general, linked from the index. */
  readonly guide?: string;
}

/** The index, `README.md`. Pure. */
export function markdownIndex(docs: EventDocs, { output, site, guide }: PagePlaces): string {
  const rows = docs.events.map((doc) => [
    linkTo(doc),
    doc.record.kind,
    doc.record.status === "deprecated" ? "**deprecated**" : doc.record.status,
    plain(doc.record.summary),
  ]);
  return page(
    `# ${plain(`Events${docs.ofMesh}`)}`,
    guide === undefined
      ? ""
      : `How to declare, publish and subscribe them: [${plain(basename(guide))}](${wayTo(output, guide)}).`,
    `${rows.length} of them. To search them, open [the site](${wayTo(output, join(site, "index.html"))}) in a browser.\nFor programs: [asyncapi.yaml](asyncapi.yaml), and [commands/openapi.yaml](commands/openapi.yaml) of the commands.`,
    markdownTable(["event", "kind", "status", "summary"], rows),
  );
}

/** The page of one event. Pure. */
export function markdownPage(docs: EventDocs, doc: EventDoc, { output }: PagePlaces): string {
  const { record, description } = doc;
  return page(
    `# ${doc.ref}`,
    notice(docs, doc),
    told(docs, doc, record.summary),
    description === record.summary ? "" : told(docs, doc, description),
    facts(docs, doc, output),
    "## Fields",
    fields(docs, doc),
    ...examples(doc),
    ...policy(doc),
    "## Versions",
    markdownTable(
      ["event", "status", "x-version"],
      versionsOf(docs, record.name).map((other) => [
        other === doc ? `${other.ref} (this page)` : linkTo(other),
        other.record.status,
        code(other.schemaVersion ?? "none"),
      ]),
    ),
    "[All events](README.md)",
  );
}

function page(...parts: readonly string[]): string {
  return `${[HEAD, ...parts.filter((part) => part !== "")].join("\n\n")}\n`;
}

function linkTo({ ref, key }: EventDoc): string {
  return `[${ref.replaceAll("_", "\\_")}](${key}.md)`;
}

/** A text with links to the events that it names. */
function told(docs: EventDocs, doc: EventDoc, text: string): string {
  const [first, ...rest] = piecesOf(docs, doc, oneLine(text));
  const shown = rest.map((piece) => {
    return piece.doc === undefined ? escaped(piece.text) : `[${escaped(piece.text)}](${piece.doc.key}.md)`;
  });
  const { text: begin = "" } = first ?? {};
  // Trailing spaces stay before a link.
  return `${plain(begin)}${/ $/.test(begin) ? " " : ""}${shown.join("")}`;
}

function notice(docs: EventDocs, doc: EventDoc): string {
  const found = noticeOf(docs, doc);
  if (found === undefined) return "";
  const instead = found.instead === undefined ? "" : ` Use ${linkTo(found.instead)} instead.`;
  return `> **${found.kind.toUpperCase()}**: ${plain(found.text)}${instead}`;
}

function facts(docs: EventDocs, doc: EventDoc, output: string): string {
  const { record } = doc;
  const [reply, command] = [replyOf(docs, doc), commandOf(docs, doc)];
  const file = join(docs.registryDir, record.schema);
  return markdownTable(
    ["", ""],
    [
      ["kind", record.kind],
      ["status", record.status],
      ...(reply === undefined ? [] : [["reply", linkTo(reply)]]),
      ...(command === undefined ? [] : [["answers", linkTo(command)]]),
      ["producers", plain(names(record.producers))],
      ["consumers", plain(names(record.consumers))],
      ["required headers", record.required_headers.map(code).join(", ") || "none"],
      ["delivery", record.semantics.delivery],
      ["idempotency", plain(idempotencyOf(doc))],
      ["schema", `[${plain(record.schema)}](${wayTo(output, file)})`],
    ],
  );
}

function fields(docs: EventDocs, doc: EventDoc): string {
  const { fields: list } = doc;
  if (list.length === 0) return "None that the schema names.";
  return markdownTable(
    ["field", "type", "required", "constraints", "default", "description"],
    list.map((field) => [
      code(pathOf(field)),
      plain(field.type),
      field.required ? "yes" : "",
      notesOf(field).map(code).join("; "),
      code(field.default ?? ""),
      told(docs, doc, field.description),
    ]),
  );
}

function examples({ examples: list }: EventDoc): string[] {
  if (list.length === 0) return [];
  const shown = list
    .slice(0, MAX_EXAMPLES)
    .flatMap(({ title, data }) => [`${plain(title)}:`, jsonBlock(data)]);
  const more = list.length > MAX_EXAMPLES ? [`And ${list.length - MAX_EXAMPLES} more in the registry.`] : [];
  return ["## Examples", ...shown, ...more];
}

function policy({ rights, record }: EventDoc): string[] {
  if (record.kind === "reply")
    return [
      "## Policy",
      "A reply needs no rule: it passes where its command may pass the other way, and reaches who asked.",
    ];
  if (rights === undefined) return [];
  const rows = rights.map((one) => [
    plain(one.subnet),
    plain(publishersOf(one)),
    plain(subscribersOf(one)),
    one.exports ? "yes" : "no",
    plain(importsOf(one)),
  ]);
  return ["## Policy", markdownTable(["subnet", "may publish", "may subscribe", "exports", "imports"], rows)];
}

/** A relative link with `/`, whatever the folders are called. */
function wayTo(from: string, to: string): string {
  return relative(from, to)
    .split(sep)
    .map((part) => encodeURIComponent(part).replaceAll(/[()]/g, bracket))
    .join("/");
}

function bracket(char: string): string {
  return char === "(" ? "%28" : "%29";
}
