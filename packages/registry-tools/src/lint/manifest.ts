import { basename } from "node:path";
import { schemaProblems, type YamlProblem, type YamlTree } from "@adaos/config";
import { nearest } from "@adaos/core/wire";
import { isObject } from "@adaos/json-schema";
import { z } from "zod";

/** How a skill or scenario uses an event that it names. */
export type UseRole = "subscribe" | "publish" | "trigger" | "effect" | "schema";

/** An event in a manifest, and its place. */
export interface ManifestUse {
  readonly role: UseRole;
  /** `ui.notify@1`, `ui.notify` or, for many events, `ui.` */
  readonly text: string;
  readonly path: readonly PropertyKey[];
}

/** A schema that belongs to a skill. */
export interface ManifestSchema {
  readonly ref: string;
  /** Below {@link Manifest.schemasFrom}. */
  readonly file: string;
  readonly path: readonly PropertyKey[];
}

/** The events in the `skill.yaml` of a skill, or the `scenario.yaml` of a scenario. */
export interface Manifest {
  readonly uses: readonly ManifestUse[];
  readonly schemas: readonly ManifestSchema[];
  /** Folder of {@link schemas}, relative to the manifest's folder. */
  readonly schemasFrom: string | undefined;
  /** Sections of another form. Their valid parts are in the other fields. */
  readonly problems: readonly YamlProblem[];
}

const MANIFEST_NAME = /^(skill|scenario)\.(ya?ml|json)$/;
/** Keys of the section `events`. */
const EVENTS_KEYS = ["subscribe", "publish", "schemas", "schemas_from"];
const MAX_ITEMS = 1000;

const ref = z.string("must be an event: ui.notify@1, ui.notify or ui.");
const refs = z.array(ref, "must be a list of events").max(MAX_ITEMS, `must be at most ${MAX_ITEMS} events`);
const path = z.string("must be the path of a file").min(1, "must be the path of a file");

// The other keys of a manifest are not ours.
const manifestSchema = z.looseObject({
  events: z
    .looseObject(
      {
        subscribe: refs.nullish(),
        publish: refs.nullish(),
        schemas: z
          .record(z.string(), path, "must be a map of events and files, ui.notify@1: notify.json")
          .nullish(),
        schemas_from: z
          .string("must be the path of a folder")
          .min(1, "must be the path of a folder")
          .nullish(),
      },
      `must be a map of ${EVENTS_KEYS.join(", ")}`,
    )
    .nullish(),
  triggers: listOf("event").nullish(),
  effects: listOf("publish").nullish(),
});

function listOf(key: string): z.ZodType {
  const item = z.looseObject({ [key]: ref.optional() }, `must be a map with the key ${key}`);
  return z
    .array(item, `must be a list of maps with the key ${key}`)
    .max(MAX_ITEMS, `must be at most ${MAX_ITEMS} items`);
}

/** Reads the events in a file; undefined where neither its name nor its sections are those of a manifest. Pure. */
export function readManifest(file: string, tree: YamlTree): Manifest | undefined {
  const root = tree.value;
  if (!MANIFEST_NAME.test(basename(file)) && !hasSections(root)) return undefined;
  const checked = manifestSchema.safeParse(root);
  const problems = checked.success ? [] : schemaProblems(tree, checked.error);
  const events = isObject(root) && isObject(root["events"]) ? root["events"] : {};
  const schemas = isObject(events["schemas"]) ? Object.entries(events["schemas"]).filter(isTextEntry) : [];
  const from = events["schemas_from"];
  return {
    uses: [
      ...textsOf(events["subscribe"], "subscribe", ["events", "subscribe"]),
      ...textsOf(events["publish"], "publish", ["events", "publish"]),
      ...fieldsOf(root, "triggers", "event", "trigger"),
      ...fieldsOf(root, "effects", "publish", "effect"),
      ...schemas.map(([text]) => ({ role: "schema" as const, text, path: ["events", "schemas", text] })),
    ],
    schemas: schemas.map(([text, held]) => ({ ref: text, file: held, path: ["events", "schemas", text] })),
    schemasFrom: typeof from === "string" && from !== "" ? from : undefined,
    problems: [...problems, ...misspelt(events, tree)],
  };
}

function hasSections(root: unknown): boolean {
  if (!isObject(root)) return false;
  const { events } = root;
  const hasItem = (section: string, key: string): boolean =>
    Array.isArray(root[section]) &&
    root[section].some((item) => isObject(item) && typeof item[key] === "string");
  return (
    (isObject(events) && EVENTS_KEYS.some((key) => Object.hasOwn(events, key))) ||
    hasItem("triggers", "event") ||
    hasItem("effects", "publish")
  );
}

function textsOf(list: unknown, role: UseRole, at: readonly PropertyKey[]): ManifestUse[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((text: unknown, i) =>
    typeof text === "string" ? [{ role, text, path: [...at, i] }] : [],
  );
}

function fieldsOf(root: unknown, section: string, key: string, role: UseRole): ManifestUse[] {
  const list = isObject(root) ? root[section] : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown, i) => {
    const text = isObject(item) ? item[key] : undefined;
    return typeof text === "string" ? [{ role, text, path: [section, i, key] }] : [];
  });
}

/** A key that resembles one of ours would be ignored silently. */
function misspelt(events: object, tree: YamlTree): YamlProblem[] {
  return Object.keys(events).flatMap((key) => {
    const meant = EVENTS_KEYS.includes(key) ? undefined : nearest(key, EVENTS_KEYS);
    if (meant === undefined) return [];
    return [
      {
        message: `events.${key} is read by nobody; did you mean ${meant}?`,
        place: () => tree.placeOfKey(["events", key]),
      },
    ];
  });
}

function isTextEntry(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === "string";
}
