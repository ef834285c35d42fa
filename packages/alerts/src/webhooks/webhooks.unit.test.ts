import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { classify } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AlertRecord } from "../record.ts";
import { webhookBody } from "./bodies.ts";
import { sendWebhook, webhookUrl } from "./send.ts";

function record(change: AlertRecord["change"], about: Partial<AlertRecord["alert"]> = {}): AlertRecord {
  const alert = {
    alert: "linkDown/alpha",
    rule: "AdaosLinkDown",
    severity: "critical",
    node: "root",
    labels: { subnet: "alpha" },
    summary: "A link of alpha carries nothing.",
    cause: "link up: no answer",
    since: "2026-01-01T00:00:00.000Z",
    look: "adaos status",
    ...about,
  } as const;
  return { change, event_id: "EVT-1", at: "2026-01-01T00:01:00.000Z", value: 0, told: true, alert };
}

describe("webhookBody()", () => {
  test("of Slack tells what, why, since when and where to look", () => {
    expect(webhookBody("slack", "home", [record("raised")])).toEqual({
      text: [
        "*home: 1 alert raised*",
        "*critical* A link of alpha carries nothing.",
        "link up: no answer; since 2026-01-01T00:00:00.000Z, told by root",
        "`adaos status`",
      ].join("\n"),
    });
  });

  test("of Slack makes no link or mention of what an alert holds", () => {
    const { text } = webhookBody("slack", "home", [
      record("raised", { cause: "<!channel> <http://x|y> &" }),
    ]) as {
      text: string;
    };
    expect(text).toContain("&lt;!channel&gt; &lt;http://x|y&gt; &amp;");
  });

  test("of Discord calls nobody, and is no longer than Discord takes", () => {
    const many = Array.from({ length: 100 }, (_, i) => {
      return record("raised", { alert: `x/${i}`, cause: `@everyone ${"*".repeat(250)}` });
    });
    const body = webhookBody("discord", "home", many) as { content: string; allowed_mentions: object };
    expect(body.content.length).toBeLessThanOrEqual(2000);
    expect(body.content).toMatch(/and \d+ more: adaos alerts$/);
    expect(body.allowed_mentions).toEqual({ parse: [] });
  });

  test("of any other holds each alert as it is", () => {
    expect(webhookBody("generic", "home", [record("raised"), record("cleared")])).toMatchObject({
      version: 1,
      mesh: "home",
      alerts: [
        { status: "raised", alert: "linkDown/alpha", rule: "AdaosLinkDown", labels: { subnet: "alpha" } },
        { status: "cleared", at: "2026-01-01T00:01:00.000Z" },
      ],
    });
  });
});

describe("sendWebhook()", () => {
  let dir: string;
  let server: Server;
  let status = 200;
  /** How the server answers; nothing: with the status. */
  let answer: ((response: ServerResponse) => void) | undefined;
  let got: { headers: Record<string, unknown>; body: string }[];
  const file = (name: string, content: string): string => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/T0/secret-token`;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "webhooks-"));
    got = [];
    [status, answer] = [200, undefined];
    server = createServer(async (request, response) => {
      got.push({ headers: request.headers, body: await text(request) });
      if (answer !== undefined) return answer(response);
      response.writeHead(status, { "retry-after": "7", location: "http://127.0.0.1:1/" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  });

  test("posts JSON, signed where there is a secret", async () => {
    const address = { name: "ops", urlFile: file("url", `${url()}\n`), secretFile: file("key", "abc\n") };
    await sendWebhook(address, { a: 1 });
    const signature = createHmac("sha256", "abc").update('{"a":1}').digest("hex");
    expect(got).toMatchObject([
      {
        body: '{"a":1}',
        headers: { "content-type": "application/json", "x-adaos-signature-256": `sha256=${signature}` },
      },
    ]);
  });

  test.each([
    [500, "transient"],
    [429, "transient"],
    [404, "permanent"],
    [302, "permanent"],
  ])("of status %i fails for a %s reason, and follows nowhere", async (code, category) => {
    status = code;
    const thrown = await sendWebhook({ name: "ops", urlFile: file("url", url()) }, {}).catch(
      (error) => error,
    );
    expect(classify(thrown).category).toBe(category);
    if (code === 429) expect(classify(thrown).retryAfterMs).toBe(7000);
    expect(got).toHaveLength(1);
  });

  const ANSWERS: readonly (readonly [string, (response: ServerResponse) => void, string | undefined])[] = [
    ["never answers", () => undefined, "does not answer (within 0.3 s)"],
    [
      "answers with half a head",
      ({ socket }) => void socket?.write("HTTP/1.1 200 OK\r\nX-A: "),
      "(within 0.3 s)",
    ],
    ["hangs up", ({ socket }) => void socket?.destroy(), "does not answer (UND_ERR_SOCKET)"],
    ["answers with no HTTP", ({ socket }) => void socket?.end("220 smtp ready\r\n"), "does not answer (HPE"],
    ["takes it and never ends its body", (response) => void response.writeHead(200).write("x"), undefined],
    [
      "takes it and hangs up within its body",
      (response) => {
        response.writeHead(200, { "content-length": "1000" }).write("x");
        setTimeout(() => response.socket?.destroy(), 5);
      },
      undefined,
    ],
    [
      "takes it and answers without end",
      (response) => {
        const more = (): void => {
          while (!response.destroyed && response.write("x".repeat(65_536)));
        };
        response.writeHead(200).on("drain", more);
        more();
      },
      undefined,
    ],
    [
      "refuses it and never ends its body",
      (response) => void response.writeHead(503).write("x"),
      "answers 503",
    ],
  ];
  test.each(ANSWERS)("of a server that %s ends in time", async (_, how, message) => {
    answer = how;
    const sent = sendWebhook(
      { name: "ops", urlFile: file("url", url()) },
      {},
      message?.includes("0.3 s") === true ? 300 : 10_000,
    );
    if (message === undefined) return expect(sent).resolves.toBeUndefined();
    const thrown = await sent.catch((error) => error);
    expect(thrown.message).toContain(message);
    expect(classify(thrown).category).toBe("transient");
  });

  test("reads no pipe, which would hold up the daemon", async () => {
    const urlFile = join(dir, "pipe");
    execFileSync("mkfifo", [urlFile]);
    await expect(sendWebhook({ name: "ops", urlFile }, {})).rejects.toThrow("it is no file");
  });

  test("names no URL in an error, whatever goes wrong", async () => {
    const away = file("url", "https://127.0.0.1:1/T0/secret-token");
    const withUser = file("user", "https://me:secret-token@127.0.0.1:1/T0");
    for (const urlFile of [away, withUser, file("bad", "ftp://x/secret-token"), join(dir, "none")]) {
      const thrown = await sendWebhook({ name: "ops", urlFile }, {}).catch((error) => error);
      expect(classify(thrown).category).toBe("transient");
      expect(JSON.stringify([thrown.message, String(thrown.stack), thrown.cause])).not.toContain(
        "secret-token",
      );
    }
  });
});

test.each([
  ["https://hooks.example/x", true],
  ["http://127.0.0.1:8080/x", true],
  ["http://[::1]:8080/x", true],
  ["http://hooks.example/x", false],
  ["file:///etc/passwd", false],
  ["", false],
])("webhookUrl() of %s", (text, isTaken) => {
  const take = (): URL => webhookUrl("ops", text);
  if (isTaken) expect(take().href).toBe(text);
  else expect(take).toThrow("webhook ops must be https://");
});
