import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { missingPackages } from "./debian-packages.ts";

describe("missingPackages()", () => {
  test("names what would be installed, and nothing that would only be set up", () => {
    const simulation = [
      "Reading package lists...",
      "The following NEW packages will be installed:",
      "  liblzf1 redis-server",
      "Inst liblzf1 (3.6-3 Debian:12.0/stable [amd64])",
      "Inst redis-server (5:7.0.15-1 Debian:12.0/stable [amd64])",
      "Conf liblzf1 (3.6-3 Debian:12.0/stable [amd64])",
    ];
    expect(missingPackages(simulation.join("\n"))).toEqual(["liblzf1", "redis-server"]);
  });
});

describe("peers/package.json", () => {
  const read = (name: string): string =>
    readFileSync(new URL(`../../../peers/${name}`, import.meta.url), "utf8");

  test("pins every client to one version", () => {
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("has a lock file that names no registry", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved"/);
  });
});
