import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { invalid, MAX_FILE_BYTES, readYamlTree, shownPath, type YamlTree } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { quote } from "@adaos/core/wire";
import { isObject } from "@adaos/json-schema";
import { listContent, openFolder, tryReadWithin } from "@adaos/registry";
import { findAsyncApi } from "./find-asyncapi.ts";
import { findCloudEvents } from "./find-cloudevents.ts";
import { findJsonSchemas } from "./find-json-schemas.ts";
import type { FoundContracts } from "./found-contract.ts";
import type { SourceDocument } from "./source-document.ts";

const MAX_FILES = 2000;
const MAX_TOTAL_BYTES = 32 * 1024 * 1024;
const IS_DOCUMENT = /\.(json|ya?ml)$/i;
const IS_LINES = /\.(ndjson|jsonl)$/i;

/**
 * Reads a description of events: a folder of JSON Schemas, an AsyncAPI document, or CloudEvents.
 * @throws MeshError `usage` for anything else, `invalid-config` with every unreadable place.
 */
export async function readSource(path: string): Promise<FoundContracts> {
  if ((await statOf(path)).isDirectory()) return findJsonSchemas(await readFolder(path));
  const file = basename(path);
  if (IS_LINES.test(file)) return findCloudEvents(await readLines(path));
  const tree = readTree(await readText(path), path);
  const { value } = tree;
  const at = (place: readonly PropertyKey[]): string => placeText(path, tree, place);
  if (isObject(value) && value["asyncapi"] !== undefined) return findAsyncApi({ file, value, at });
  const list = Array.isArray(value) ? value : [value];
  if (list.some((item) => isObject(item) && item["specversion"] !== undefined)) {
    return findCloudEvents(
      list.map((event: unknown, i) => ({ event, at: at(Array.isArray(value) ? [i] : []) })),
    );
  }
  throw new MeshError(
    "usage",
    `${quote(path)} is no AsyncAPI document (asyncapi: …) and holds no CloudEvents (specversion: …); for JSON Schemas name their folder, here ${quote(dirname(path))}`,
  );
}

async function statOf(path: string): ReturnType<typeof stat> {
  try {
    return await stat(path);
  } catch (cause) {
    throw MeshError.from(cause, "usage", `${quote(path)} cannot be read`);
  }
}

async function readText(path: string): Promise<string> {
  const { size } = await statOf(path);
  if (size > MAX_FILE_BYTES)
    throw new MeshError(
      "invalid-config",
      `${shownPath(path)} is ${size} bytes, the limit is ${MAX_FILE_BYTES}`,
    );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${shownPath(path)} is not readable UTF-8 text`);
  }
}

function readTree(text: string, path: string): YamlTree {
  const { tree, problems } = readYamlTree(text);
  if (tree !== undefined) return tree;
  throw invalid(problems, ({ message, place }) => {
    const { line, column } = place();
    return `${shownPath(path)}:${line}:${column} ${message}`;
  });
}

async function readFolder(path: string): Promise<SourceDocument[]> {
  const folder = { ...(await openFolder(path)), what: "folder of the import" };
  const files = [...listContent(folder).paths].filter(
    (file) => IS_DOCUMENT.test(file) && !/(^|\/)[._]/.test(file),
  );
  if (files.length > MAX_FILES)
    throw new MeshError("usage", `${path} holds ${files.length} files, the limit is ${MAX_FILES}`);
  let bytes = 0;
  const documents: SourceDocument[] = [];
  for (const file of files) {
    const reading = await tryReadWithin(folder, file, MAX_FILE_BYTES);
    if (reading.problem !== undefined) throw new MeshError("invalid-config", reading.problem);
    bytes += reading.text.length;
    if (bytes > MAX_TOTAL_BYTES)
      throw new MeshError("usage", `${path} holds more than ${MAX_TOTAL_BYTES} bytes of schemas`);
    const shown = `${path.replace(/\/$/, "")}/${file}`;
    const tree = readTree(reading.text, shown);
    const value = isObject(tree.value) ? tree.value : {};
    documents.push({ file, value, at: (place) => placeText(shown, tree, place) });
  }
  return documents;
}

async function readLines(path: string): Promise<{ event: unknown; at: string }[]> {
  return (await readText(path)).split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const at = `${shownPath(path)}:${i + 1}`;
    return [{ event: readTree(line, at).value, at: `${at}:1` }];
  });
}

function placeText(path: string, { placeOf }: YamlTree, place: readonly PropertyKey[]): string {
  const { line, column } = placeOf(place);
  return `${shownPath(path)}:${line}:${column}`;
}
