import { visibleJson } from "@adaos/core/wire";
import { commandOf, type EventDoc, type EventDocs, replyOf, versionsOf } from "../event-doc.ts";
import { frame, type SiteAssets } from "./html-frame.ts";
import { type Html, html, jsonInScript } from "./html-text.ts";
import { piecesOf } from "./mentions.ts";
import {
  idempotencyOf,
  importsOf,
  MAX_EXAMPLES,
  names,
  notesOf,
  noticeOf,
  pathOf,
  publishersOf,
  subscribersOf,
} from "./page-facts.ts";

/** Search text of one event; ten thousand events are 20 MB of it. */
const MAX_SEARCH_CHARS = 2000;

/** The index with its search. Pure. */
export function htmlIndex(docs: EventDocs, assets: SiteAssets): string {
  const { events } = docs;
  const title = titleOf(docs);
  const main = html`<h1>${title}</h1>
<p id="count" role="status" aria-live="polite">${events.length} events</p>
${table(
  "Events",
  ["event", "kind", "status", "summary"],
  events.map((doc) => [linkTo(doc), doc.record.kind, status(doc), doc.record.summary]),
)}
<script type="application/json" id="words">${jsonInScript(events.map(wordsOf))}</script>`;
  return frame(assets, { title, home: title, script: true }, main);
}

/** The text that a search looks in, in the order of the rows. */
function wordsOf({ ref, record, fields, description }: EventDoc): string {
  const { kind, status, summary, producers, consumers } = record;
  const told = fields.map(({ path, description: text }) => `${path} ${text}`);
  const words = [ref, kind, status, summary, description, ...producers, ...consumers, ...told];
  return words.join(" ").slice(0, MAX_SEARCH_CHARS).toLowerCase();
}

/** The page of one event. Pure. */
export function htmlPage(docs: EventDocs, doc: EventDoc, assets: SiteAssets): string {
  const { record, description, ref } = doc;
  const main = html`<h1>${ref}</h1>
${notice(docs, doc)}<p class="summary">${told(docs, doc, record.summary)}</p>
${description === "" || description === record.summary ? "" : html`<p>${told(docs, doc, description)}</p>`}
${facts(docs, doc)}
<h2 id="fields">Fields</h2>
${fields(docs, doc)}
${examples(doc)}${policy(doc)}<h2 id="versions">Versions</h2>
${table(
  "Versions",
  ["event", "status", "x-version"],
  versionsOf(docs, record.name).map((other) => [
    other === doc ? html`<span aria-current="page">${other.ref}</span>` : linkTo(other),
    status(other),
    other.schemaVersion ?? "none",
  ]),
)}
<h2 id="schema">Schema</h2>
<details><summary>${record.schema}</summary>${json(doc.schema)}</details>`;
  return frame(assets, { title: `${ref} - ${titleOf(docs)}`, home: titleOf(docs), script: false }, main);
}

function titleOf({ ofMesh }: EventDocs): string {
  return `Events${ofMesh}`;
}

type Cell = Html | string;

function linkTo({ key, ref }: EventDoc): Html {
  return html`<a href="${key}.html">${ref}</a>`;
}

function status({ record }: EventDoc): Html {
  return html`<span class="status ${record.status}">${record.status}</span>`;
}

/** On a narrow screen each cell shows its column's name. */
function table(label: string, head: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  return html`<table aria-label="${label}">
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell, i) => html`<td data-column="${head[i] ?? ""}">${cell}</td>`)}</tr>\n`)}</tbody>
</table>`;
}

/** A text with links to the events that it names. */
function told(docs: EventDocs, doc: EventDoc, text: string): Html {
  return html`${piecesOf(docs, doc, text).map((piece) =>
    piece.doc === undefined ? piece.text : html`<a href="${piece.doc.key}.html">${piece.text}</a>`,
  )}`;
}

function notice(docs: EventDocs, doc: EventDoc): Html {
  const found = noticeOf(docs, doc);
  if (found === undefined) return html``;
  const instead = found.instead === undefined ? "" : html` Use ${linkTo(found.instead)} instead.`;
  return html`<p class="notice" role="note"><strong>${found.kind.toUpperCase()}</strong> ${found.text}${instead}</p>\n`;
}

function facts(docs: EventDocs, doc: EventDoc): Html {
  const { record } = doc;
  const [reply, command] = [replyOf(docs, doc), commandOf(docs, doc)];
  const rows: (readonly [string, Cell])[] = [
    ["kind", record.kind],
    ["status", status(doc)],
    ...(reply === undefined ? [] : [["reply", linkTo(reply)] as const]),
    ...(command === undefined ? [] : [["answers", linkTo(command)] as const]),
    ["producers", names(record.producers)],
    ["consumers", names(record.consumers)],
    ["required headers", record.required_headers.join(", ") || "none"],
    ["delivery", record.semantics.delivery],
    ["idempotency", idempotencyOf(doc)],
  ];
  return html`<dl>${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}

function fields(docs: EventDocs, doc: EventDoc): Html {
  const { fields: list } = doc;
  if (list.length === 0) return html`<p>None that the schema names.</p>`;
  const rows = list.map((field) => [
    html`<code>${pathOf(field)}</code>`,
    field.type,
    field.required ? "yes" : "",
    html`${notesOf(field).map((note) => html`<code>${note}</code> `)}`,
    field.default === undefined ? "" : html`<code>${field.default}</code>`,
    told(docs, doc, field.description),
  ]);
  return table("Fields", ["field", "type", "required", "constraints", "default", "description"], rows);
}

function examples({ examples: list }: EventDoc): Html {
  if (list.length === 0) return html``;
  const shown = list
    .slice(0, MAX_EXAMPLES)
    .map(({ title, data }) => html`<h3>${title}</h3>\n${json(data)}\n`);
  const more =
    list.length > MAX_EXAMPLES ? html`<p>And ${list.length - MAX_EXAMPLES} more in the registry.</p>\n` : "";
  return html`<h2 id="examples">Examples</h2>\n${shown}${more}`;
}

/** Scrolls when longer than the screen is wide, by keys too. */
function json(value: unknown): Html {
  return html`<pre tabindex="0"><code>${visibleJson(value, 2)}</code></pre>`;
}

function policy({ rights, record }: EventDoc): Html {
  const head = html`<h2 id="policy">Policy</h2>\n`;
  if (record.kind === "reply")
    return html`${head}<p>A reply needs no rule: it passes where its command may pass the other way, and reaches who asked.</p>\n`;
  if (rights === undefined) return html``;
  const rows = rights.map((one) => [
    one.subnet,
    publishersOf(one),
    subscribersOf(one),
    one.exports ? "yes" : "no",
    importsOf(one),
  ]);
  return html`${head}${table("Policy", ["subnet", "may publish", "may subscribe", "exports", "imports"], rows)}\n`;
}
