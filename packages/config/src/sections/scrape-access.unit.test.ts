import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { readMeshFile } from "../mesh-file.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-scrape-access-"));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function write(text: string): string {
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, `mesh: m\n${text}`);
  return file;
}
const problemOf = (text: string): string => meshErrorOf(() => readMeshFile(write(text))).message;

describe("metrics of a mesh file", () => {
  test("are those of the mesh, and what a node says in their place; without a port nothing listens", () => {
    const { scrapes } = readMeshFile(
      write(`
metrics: { tokenFile: token, tls: { cert: c.pem, key: c.key } }
root: { daemons: 2, metrics: { port: 9000 } }
subnets:
  alpha:
    metrics: { port: 9100, host: hub.example }
    members:
      kitchen: { metrics: { port: 9101, host: 127.0.0.1, tokenFile: /own } }
      lamp: {}
`),
    );
    const tls = { certFile: join(dir, "c.pem"), keyFile: join(dir, "c.key") };
    const tokenFile = join(dir, "token");
    expect(Object.fromEntries(scrapes)).toEqual({
      root: { host: "0.0.0.0", port: 9000, tokenFile, tls },
      "root-2": { host: "0.0.0.0", port: 9001, tokenFile, tls },
      "alpha/hub": { host: "hub.example", port: 9100, tokenFile, tls },
      "alpha/kitchen": { host: "127.0.0.1", port: 9101, tokenFile: "/own", tls },
    });
  });

  test("need somebody to be asked, and not in the clear, beyond this machine", () => {
    expect(problemOf("root: { metrics: { port: 1 } }\nsubnets: {}")).toContain(
      "root.metrics.tokenFile: is missing",
    );
    const token = "metrics: { tokenFile: t }\n";
    expect(problemOf(`${token}root: { metrics: { port: 1 } }\nsubnets: {}`)).toContain(
      "root.metrics.tls: is missing",
    );
    const plain = "metrics: { tokenFile: t, allowPlain: true }\n";
    for (const text of [
      `${plain}root: { metrics: { port: 1 } }`,
      "root: { metrics: { port: 1, host: localhost } }",
    ])
      expect(readMeshFile(write(`${text}\nsubnets: {}`)).scrapes.size).toBe(1);
  });

  test("of a node on another machine are its own, with its own files", () => {
    const subnets = (metrics: string): string =>
      `metrics: { tokenFile: t, allowPlain: true }\nsubnets: { alpha: { remote: true, metrics: ${metrics} } }`;
    expect(problemOf(subnets("{ port: 1 }"))).toContain("subnets.alpha.metrics.tokenFile: is missing");
    expect(problemOf(subnets("{ port: 1, tokenFile: t, allowPlain: true }"))).toContain("absolute paths");
    const { scrapes } = readMeshFile(write(subnets("{ port: 1, tokenFile: /t, allowPlain: true }")));
    expect(scrapes.get("alpha/hub")).toMatchObject({ tokenFile: "/t" });
  });
});
