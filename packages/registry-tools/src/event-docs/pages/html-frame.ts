import { createHash } from "node:crypto";
import { Html, html } from "./html-text.ts";
import { MARK } from "./page-facts.ts";

/** Embedded in every page. */
export interface SiteAssets {
  readonly style: string;
  /** In the index only. */
  readonly script: string;
}

/** A page of the site: it loads nothing, and runs only our script. */
export function frame(
  assets: SiteAssets,
  { title, home, script }: { readonly title: string; readonly home: string; readonly script: boolean },
  main: Html,
): string {
  const allowed = script ? hashOf(assets.script) : "'none'";
  const policy = `default-src 'none'; base-uri 'none'; img-src data:; style-src ${hashOf(assets.style)}; script-src ${allowed}`;
  const body = html`<!doctype html>
<!-- ${new Html(MARK)} -->
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(assets.style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<a class="home" href="index.html">${home}</a>
<form role="search" action="index.html">
<label for="q">Search</label>
<input type="search" id="q" name="q" autocomplete="off" spellcheck="false" placeholder="name, field, words">
</form>
</header>
<main id="main" tabindex="-1">
${main}
</main>
${script ? html`<script>${new Html(assets.script)}</script>\n` : ""}</body>
</html>
`;
  return body.text;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
