import { MeshError } from "@adaos/core";
import { Document, isSeq, parseDocument } from "yaml";

/** A list of a YAML file with some items more. What was there stays as it is written, comments too. Throws `invalid-config`. */
export function withItems(text: string, file: string, items: readonly object[]): string {
  const document = parseDocument(text, { version: "1.2" });
  if (document.errors.length > 0) throw new MeshError("invalid-config", `${file} is not YAML; mend it first`);
  const list = document.contents;
  if (list !== null && !isSeq(list)) throw new MeshError("invalid-config", `${file} is no list`);
  const start = text.length === 0 || text.endsWith("\n") ? text : `${text}\n`;
  if (list === null) return `${start}${itemTexts(items, 0)}`;
  if (list.flow === true) {
    // Within brackets there is no line to add: the document is written anew, its comments kept.
    for (const item of items) document.add(document.createNode(item));
    return document.toString({ lineWidth: 0 });
  }
  const offset = list.range?.[0] ?? 0;
  return `${start}\n${itemTexts(items, offset - (text.lastIndexOf("\n", offset - 1) + 1))}`;
}

function itemTexts(items: readonly object[], indent: number): string {
  const texts = items.map((item) =>
    new Document([item], { aliasDuplicateObjects: false }).toString({
      lineWidth: 0,
      flowCollectionPadding: false,
    }),
  );
  return texts.join("\n").replaceAll(/^(?=.)/gm, " ".repeat(indent));
}
