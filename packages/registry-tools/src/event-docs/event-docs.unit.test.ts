import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readMeshFile } from "@adaos/config";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "@adaos/core";
import { loadRegistry } from "@adaos/registry";
import { describe, expect, test } from "vitest";
import { HOSTILE, RICH, type WrittenEvent, writtenRegistry } from "../../../../test/kit/written-registry.ts";
import { planDocuments } from "./build-event-docs.ts";
import { sampleEnvelope } from "./envelope-schema.ts";
import { describeEvents } from "./event-doc.ts";

const HOME = fileURLToPath(new URL("../../../..", import.meta.url));
const OURS = join(HOME, "schemas/events");
const MESH = join(HOME, "deploy/mesh.yaml");

/** The planned files of a registry, by their path below the output folder. */
async function planned(registry: string, config?: string): Promise<Map<string, string>> {
  const output = join(registry, "docs");
  const files = await planDocuments({ registry, config, output, site: join(output, "site") });
  return new Map([...files].map(([file, text]) => [file.slice(output.length + 1), text]));
}

function get(files: ReadonlyMap<string, string>, name: string): string {
  const text = files.get(name);
  if (text === undefined) throw new Error(`no ${name} among ${[...files.keys()].join(" ")}`);
  return text;
}

/** The cells of each row of the first table below a heading. */
function rowsBelow(markdown: string, heading: string): string[][] {
  const [, below = ""] = markdown.split(`\n## ${heading}\n`);
  const lines = below.trimStart().split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end === -1 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** Markdown without fenced blocks and code spans: what stands there is no link. */
function withoutCode(markdown: string): string {
  return markdown
    .replaceAll(/^(`{3,})json\n.*?\n\1$/gms, "")
    .replaceAll(/(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)/g, "");
}

/** Names under `properties`, anywhere in a schema. */
function propertiesIn(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === "properties" && !Array.isArray(value) ? Object.keys(value as object) : []),
    ...propertiesIn(value),
  ]);
}

const REGISTRIES: readonly (readonly [string, () => Promise<string>])[] = [
  ["the project's registry", () => Promise.resolve(OURS)],
  ["a registry with all kinds of schemas", () => writtenRegistry(RICH)],
  ["a hostile registry", () => writtenRegistry(HOSTILE)],
];

describe.each(REGISTRIES)("the documents of %s", (_name, make) => {
  test("have a page for every event, with every field of its schema", async () => {
    const dir = await make();
    const files = await planned(dir);
    const registry = await loadRegistry(dir);
    for (const { name, version } of registry.records) {
      const markdown = get(files, `${name}.v${version}.md`);
      const page = get(files, `site/${name}.v${version}.html`);
      const told = rowsBelow(markdown, "Fields").map(([path = ""]) => path);
      const html = page.slice(page.indexOf('id="fields"'), page.indexOf('id="versions"'));
      for (const field of propertiesIn(registry.schemaOf(name, version))) {
        const word = /^[\w-]+/.exec(field)?.[0] ?? "script";
        expect(
          told.some((path) => path.includes(word)),
          `${field} of ${name}`,
        ).toBe(true);
        expect(html).toContain(word);
      }
    }
  });

  test("have links that lead somewhere", async () => {
    const dir = await make();
    const files = await planned(dir, dir === OURS ? MESH : undefined);
    let links = 0;
    for (const [file, text] of files) {
      const pattern = file.endsWith(".html") ? /href="([^"#]*)"/g : /(?<!\\)\]\(([^)]+)\)/g;
      if (file.endsWith(".yaml")) continue;
      const shown = file.endsWith(".md") ? withoutCode(text) : text;
      for (const [, link = ""] of shown.matchAll(pattern)) {
        if (link === "data:,") continue;
        links++;
        const target = join(dirname(file), decodeURIComponent(link));
        const isThere = files.has(target) || existsSync(resolve(dir, "docs", target));
        expect(isThere, `${link} in ${file}`).toBe(true);
      }
    }
    expect(links).toBeGreaterThan(files.size);
  });

  test("are the same at each run, and bear the mark in their head", async () => {
    const dir = await make();
    const files = await planned(dir);
    expect([...(await planned(dir))]).toEqual([...files]);
    for (const text of files.values()) expect(text.slice(0, 200)).toContain("adaos events docs build");
  });

  test("run nothing but the search, and load nothing", async () => {
    for (const [file, text] of await planned(await make())) {
      if (file.endsWith(".md"))
        expect(withoutCode(text).split("\n").slice(1).join("\n"), file).not.toContain("<");
      if (!file.endsWith(".html")) continue;
      const scripts = [...text.matchAll(/<script[^>]*>/gi)].map(([tag]) => tag);
      const wanted =
        file === "site/index.html" ? ['<script type="application/json" id="words">', "<script>"] : [];
      expect(scripts, file).toEqual(wanted);
      expect(text).not.toMatch(
        /<img|<iframe|<link (?!rel="icon" href="data:,")|<[a-z][^>]*\s(src|on[a-z]+)=/i,
      );
      expect(text).toContain("default-src &#39;none&#39;");
    }
  });
});

describe("the page of an event", () => {
  test("tells by subnet who may publish, subscribe, export and import, as the policy answers", async () => {
    const files = await planned(OURS, MESH);
    expect(rowsBelow(get(files, "nlp.intent.detected.v1.md"), "Policy")).toEqual([
      ["alpha", "alpha/kitchen", "alpha/speaker", "yes", "from beta"],
      ["beta", "nobody", "beta/desk", "no", "from alpha"],
    ]);
    expect(get(files, "site/nlp.intent.detected.v1.html")).toContain(">alpha/speaker<");
    expect(readMeshFile(MESH).mesh.subnets.size).toBe(2);
  });

  test("says of a deprecated event before all else what to use instead", async () => {
    const files = await planned(await writtenRegistry(RICH));
    const markdown = get(files, "lab.sample.weighed.v1.md");
    expect(markdown.split("\n")[4]).toBe(
      "> **DEPRECATED**: It still works. Do not build anything new on it. Use [lab.sample.weighed@2](lab.sample.weighed.v2.md) instead.",
    );
    const html = get(files, "site/lab.sample.weighed.v1.html");
    expect(html).toMatch(/<\/h1>\n<p class="notice" role="note"><strong>DEPRECATED<\/strong>/);
    expect(get(files, "README.md")).toContain("| **deprecated** |");
  });

  test("tells versions with their x-version, required headers, idempotency, class and example", async () => {
    const files = await planned(await writtenRegistry(RICH));
    const markdown = get(files, "lab.sample.weighed.v2.md");
    expect(rowsBelow(markdown, "Versions")).toEqual([
      ["lab.sample.weighed@2 (this page)", "stable", "`2.0.0`"],
      ["[lab.sample.weighed@1](lab.sample.weighed.v1.md)", "deprecated", "`1.0.1`"],
    ]);
    expect(markdown).toContain("| required headers | `correlation_id`, `site` |");
    expect(markdown).toContain("`classified pii`");
    expect(markdown).toContain('  "owner": "Ada",');
    expect(markdown).toContain("Größe, 重さ, 🧪");
    expect(get(files, "lab.sample.weigh.v1.md")).toContain("events with the same header idempotency\\_key");
  });

  test("leads to the events that its texts name", async () => {
    const schema = { properties: { of: { description: "See a.first@1 or a.none; *not* a.second." } } };
    const files = await planned(
      await writtenRegistry([
        { name: "a.first", schema: {} },
        { name: "a.first", version: 2, schema: {} },
        { name: "a.second", schema, record: { summary: "Comes after a.first." } },
      ]),
    );
    const markdown = get(files, "a.second.v1.md");
    expect(markdown).toContain("\nComes after [a.first](a.first.v2.md).\n");
    expect(markdown).toContain("See [a.first&#64;1](a.first.v1.md) or a.none; \\*not\\* a.second. |");
    const html = get(files, "site/a.second.v1.html");
    expect(html).toContain('Comes after <a href="a.first.v2.html">a.first</a>.');
    expect(html).toContain('See <a href="a.first.v1.html">a.first@1</a> or a.none; *not* a.second.');
  });

  test("leads from a command to its reply and back", async () => {
    const files = await planned(OURS);
    expect(get(files, "repo.skill.install.v1.md")).toContain("(repo.skill.install.result.v1.md)");
    expect(get(files, "site/repo.skill.install.result.v1.html")).toContain(
      'href="repo.skill.install.v1.html"',
    );
  });
});

describe("sampleEnvelope()", () => {
  test("is an envelope that every reader takes", async () => {
    const docs = await describeEvents(
      await loadRegistry(await writtenRegistry(RICH as WrittenEvent[])),
      undefined,
    );
    for (const doc of docs.events) {
      for (const { data } of doc.examples) {
        const envelope = sampleEnvelope(doc, data) as unknown as Envelope;
        expect(decodeEnvelope(encodeEnvelope(envelope)).data).toEqual(data);
      }
    }
  });
});
