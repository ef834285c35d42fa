import { MeshError } from "@adaos/core";
import { Document, isScalar, isSeq, parseDocument, type YAMLSeq } from "yaml";

/** A list of a YAML file with further items. The rest of the text stays, comments too. Throws `invalid-config`. */
export function withItems(text: string, file: string, items: readonly object[]): string {
  const block = asBlockList(text, file);
  const list = listIn(block, file).list;
  const start = block.length === 0 || block.endsWith("\n") ? block : `${block}\n`;
  if (list === null) return `${start}${itemTexts(items, 0)}`;
  const offset = list.range?.[0] ?? 0;
  return `${start}\n${itemTexts(items, offset - (block.lastIndexOf("\n", offset - 1) + 1))}`;
}

/**
 * A list of a YAML file with one item a line, if it was written between brackets, which leave no place for a line.
 * Otherwise the text unchanged. Throws `invalid-config`.
 */
export function asBlockList(text: string, file: string): string {
  const { document, list } = listIn(text, file);
  if (list?.flow !== true) return text;
  const [start, end] = list.range ?? [0, 0];
  if (list.items.length === 0) return `${text.slice(0, start)}${text.slice(end)}`.trimStart();
  list.flow = false;
  return document.toString({ lineWidth: 0 });
}

function listIn(
  text: string,
  file: string,
): { readonly document: Document.Parsed; readonly list: YAMLSeq | null } {
  const document = parseDocument(text, { version: "1.2" });
  if (document.errors.length > 0) throw new MeshError("invalid-config", `${file} is not YAML; mend it first`);
  const list = document.contents;
  if (list !== null && !isSeq(list)) {
    const isNothing = isScalar(list) && list.value === null;
    if (!isNothing) throw new MeshError("invalid-config", `${file} is no list`);
  }
  return { document, list: isSeq(list) ? list : null };
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
