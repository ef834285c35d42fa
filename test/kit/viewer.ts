import { join } from "node:path";
import {
  isTokenKept,
  makeToken,
  type Role,
  startViewer,
  type ViewerListen,
  type ViewerServer,
} from "@adaos/viewer";
import type { Browser, Page } from "playwright-core";
import { HOME } from "./mesh.ts";

const HOUR_MS = 3_600_000;

/** A viewer of a mesh, in this process, with the page as it is built. */
export class TestViewer {
  readonly server: ViewerServer;
  readonly #stateDir: string;
  readonly #tokens = new Map<Role, string>();
  /** Lines of its log. */
  readonly said: string[];

  private constructor(server: ViewerServer, stateDir: string, said: string[]) {
    this.server = server;
    this.#stateDir = stateDir;
    this.said = said;
  }

  /** Serves the state folder of a mesh on a free port, of loopback unless told otherwise. */
  static async start(stateDir: string, listen: Partial<ViewerListen> = {}): Promise<TestViewer> {
    const said: string[] = [];
    const server = await startViewer({
      stateDir,
      listen: { host: "127.0.0.1", port: 0, origins: [], ...listen },
      pageDir: join(HOME, "packages/cli/bundle/page"),
      say: (line) => said.push(line),
    });
    return new TestViewer(server, stateDir, said);
  }

  get url(): string {
    return this.server.url;
  }

  /** A new token where it shall end early; else the same one until it is revoked. */
  token(role: Role = "operator", expiresMs?: number): string {
    if (expiresMs !== undefined) return makeToken(this.#stateDir, { name: "test", role, expiresMs });
    const [id = ""] = this.#tokens.get(role)?.split(".") ?? [];
    if (!isTokenKept(this.#stateDir, id))
      this.#tokens.set(
        role,
        makeToken(this.#stateDir, { name: "test", role, expiresMs: Date.now() + HOUR_MS }),
      );
    return this.#tokens.get(role) ?? "";
  }

  /** Asks the API as a program does. */
  ask(path: string, role: Role = "operator"): Promise<Response> {
    return fetch(this.url + path, { headers: { authorization: `Bearer ${this.token(role)}` } });
  }

  /** Asks every question of the API that needs no key. Resolves with those that fail as a bug does. */
  async bugs(): Promise<readonly string[]> {
    const listed = (await (await this.ask("/api")).json()) as {
      readonly paths: readonly { readonly method: string; readonly path: string }[];
    };
    const found: string[] = [];
    for (const { method, path } of listed.paths) {
      if (method !== "GET" || path.includes(":")) continue;
      const answer = await this.ask(path);
      if (answer.status === 500) found.push(`${path}: ${await answer.text()}`);
    }
    return found;
  }

  /** Asks for a change as a program does. */
  change(path: string, body: object = {}, role: Role = "operator", method = "POST"): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token(role)}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /**
   * Opens a page of the viewer, signed in. `wrong` collects errors, dialogs, and every request to anywhere but the
   * viewer.
   */
  async open(
    browser: Browser,
    path: string,
    options: { readonly role?: Role; readonly width?: number; readonly colorScheme?: "light" | "dark" } = {},
  ): Promise<{ readonly page: Page; readonly wrong: string[] }> {
    const { role = "operator", width = 1280, colorScheme = "light" } = options;
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") wrong.push(message.text());
    });
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("dialog", (dialog) => {
      wrong.push(dialog.message());
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      const { host } = new URL(request.url());
      if (host !== new URL(this.url).host) wrong.push(request.url());
    });
    await page.goto(`${this.url}${path}#token=${this.token(role)}`);
    return { page, wrong };
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
