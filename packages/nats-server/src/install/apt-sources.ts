/** One-line style (`sources.list`, `*.list`) or deb822 (`*.sources`). */
export type AptSourcesFormat = "list" | "sources";

interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** As written: a keyring's path, several of them, a fingerprint, or an embedded key. */
  readonly signedBy: string | undefined;
}

/** Part of the name of every keyring of Debian's own archive. */
const DEBIAN_KEYRING = "debian-archive-";
const DEBIAN_SUITE =
  /^(?:old)*stable$|^(?:testing|unstable|sid)$|^(?:buster|bullseye|bookworm|trixie|forky|duke)$/;
/** Other methods (cdrom, copy, file) do not lead to a mirror that has another suite. */
const MIRROR_METHOD = /^(?:https?|tor\+https?|mirror(?:\+(?:file|https?))?):/;

/**
 * The mirrors of Debian's main archive that a file of apt's sources names, in its order, each once. Pure.
 * Sources of others, the security archive, and disabled or source-only entries are left out.
 */
export function parseAptSources(text: string, format: AptSourcesFormat): string[] {
  const sources = format === "list" ? parseOneLine(text) : parseDeb822(text);
  return [...new Set(sources.filter(isDebian).flatMap((source) => source.uris.filter(isMirror(source))))];
}

function isDebian(source: AptSource): boolean {
  if (!source.components.includes("main")) return false;
  // A repository with another signing key is not a mirror of Debian, even when its suites have Debian's names.
  if (source.signedBy !== undefined && !source.signedBy.includes(DEBIAN_KEYRING)) return false;
  return source.suites.some((suite) => DEBIAN_SUITE.test(suite));
}

function isMirror(source: AptSource): (uri: string) => boolean {
  return (uri) => {
    if (!MIRROR_METHOD.test(uri) || uri.includes("security")) return false;
    if (source.signedBy !== undefined) return true;
    // Entries of others without Signed-By pass the tests above. A mirror of Debian is recognised by its folder, or by
    // the mirror list that cloud images contain.
    return /\/debian(?:\.list|\/|$)/.test(uri);
  };
}

function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+([^\s#]+)([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    sources.push({ uris: [uri], suites: [suite], components: words(components), signedBy });
  }
  return sources;
}

function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  const uncommented = text.split("\n").filter((line) => !line.startsWith("#"));
  for (const stanza of uncommented.join("\n").split(/\n\s*\n/)) {
    const fields = parseStanza(stanza);
    if (!words(fields.get("types")).includes("deb")) continue;
    if (/^(?:no|false|without|off|disable|0)$/i.test(fields.get("enabled") ?? "")) continue;
    sources.push({
      uris: words(fields.get("uris")),
      suites: words(fields.get("suites")),
      components: words(fields.get("components")),
      signedBy: fields.get("signed-by"),
    });
  }
  return sources;
}

/** Fields by lower-case name; a value continued on further lines is joined by spaces. */
function parseStanza(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of stanza.split("\n")) {
    const field = /^([A-Za-z][A-Za-z0-9-]*):(.*)$/.exec(line);
    if (field !== null) {
      name = (field[1] ?? "").toLowerCase();
      fields.set(name, (field[2] ?? "").trim());
    } else if (name !== undefined && /^[ \t]/.test(line)) {
      fields.set(name, `${fields.get(name)} ${line.trim()}`.trim());
    }
  }
  return fields;
}

function words(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
