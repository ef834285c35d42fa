import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The first that runs: some systems have a mere pointer to their shop under that name. */
function browserOnPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const files = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return files.find((file) => spawnSync(file, ["--version"], { timeout: 30_000 }).status === 0);
}

/** The browser of this machine; undefined where it has none. */
export const BROWSER_FILE: string | undefined = browserOnPath();
if (BROWSER_FILE === undefined) console.warn(`pages are not tried: none of ${NAMES.join(", ")} on PATH`);

/** Starts the browser of this machine. The caller closes it. */
export function launchBrowser(): Promise<Browser> {
  if (BROWSER_FILE === undefined) throw new Error("this machine has no browser");
  // Without its sandbox: as root, and in most containers, it starts only so. It opens nothing but our own pages.
  return chromium.launch({ executablePath: BROWSER_FILE, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
