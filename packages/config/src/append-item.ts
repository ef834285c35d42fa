import { MeshError } from "@adaos/core";
import { Document, isSeq, parseDocument } from "yaml";

/** A list of a YAML file with one item more. What was there stays as it is written, comments too. Throws `invalid-config`. */
export function withItem(text: string, file: string, item: object): string {
  const document = parseDocument(text, { version: "1.2" });
  if (document.errors.length > 0) throw new MeshError("invalid-config", `${file} is not YAML; mend it first`);
  const list = document.contents;
  if (list !== null && !isSeq(list)) throw new MeshError("invalid-config", `${file} is no list`);
  const start = text.length === 0 || text.endsWith("\n") ? text : `${text}\n`;
  if (list === null) return `${start}${itemText(item, 0)}`;
  if (list.flow === true) {
    // Within brackets there is no line to add: the document is written anew, its comments kept.
    document.add(document.createNode(item));
    return document.toString({ lineWidth: 0 });
  }
  const offset = list.range?.[0] ?? 0;
  return `${start}\n${itemText(item, offset - (text.lastIndexOf("\n", offset - 1) + 1))}`;
}

function itemText(item: object, indent: number): string {
  const document = new Document([item]);
  return document
    .toString({ lineWidth: 0, flowCollectionPadding: false })
    .replaceAll(/^(?=.)/gm, " ".repeat(indent));
}
