import { describe, expect, test } from "vitest";
import { PINNED_RELEASES } from "./pinned-releases.ts";
import { parseSha256Sums, releaseTarget, resolveReleaseUrl } from "./release.ts";
import { TESTED_VERSION } from "./version.ts";

describe("releaseTarget()", () => {
  test.each([
    ["linux", "x64", "linux-amd64"],
    ["linux", "arm64", "linux-arm64"],
    ["linux", "arm", "linux-arm7"],
    ["linux", "ia32", "linux-386"],
    ["darwin", "arm64", "darwin-arm64"],
    ["freebsd", "x64", "freebsd-amd64"],
  ])("%s on %s is %s", (platform, arch, name) => {
    expect(releaseTarget(platform, arch, "7")).toEqual({ kind: "target", name });
  });

  test.each([
    ["win32", "x64", "Windows"],
    ["linux", "loong64", "linux on loong64"],
    ["sunos", "x64", "sunos on x64"],
  ])("has none for %s on %s and says so", (platform, arch, reason) => {
    expect(releaseTarget(platform, arch, "7")).toEqual({
      kind: "none",
      reason: expect.stringContaining(reason),
    });
  });
});

describe("resolveReleaseUrl()", () => {
  test("puts the version below the mirror's folder", () => {
    const expected = "http://mirror.example/nats/v2.15.1/";
    for (const text of ["http://mirror.example/nats", "http://mirror.example/nats/"]) {
      expect(resolveReleaseUrl({ ADAOS_NATS_RELEASE_URL: text }).href).toBe(expected);
    }
    expect(resolveReleaseUrl({}).protocol).toBe("https:");
  });

  test.each(["file:///etc", "mirror", "ftp://x.example/", "https://user:secret@x.example/"])(
    "refuses %s",
    (text) => {
      const resolve = () => resolveReleaseUrl({ ADAOS_NATS_RELEASE_URL: text });
      expect(resolve).toThrow(expect.objectContaining({ code: "invalid-config" }));
      expect(resolve).not.toThrow(/secret/);
    },
  );
});

describe("PINNED_RELEASES", () => {
  test("has digests of the version that is installed, by targets that there are", () => {
    const pins = Object.entries(PINNED_RELEASES[TESTED_VERSION] ?? {});
    expect(pins.length).toBeGreaterThan(0);
    expect(new Set(pins.map(([, digest]) => digest)).size).toBe(pins.length);
    for (const [target, digest] of pins) {
      expect(target).toMatch(/^(linux|darwin|freebsd)-[a-z0-9]+$/);
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

describe("parseSha256Sums()", () => {
  test("reads text and binary lines and passes over others", () => {
    const [a, b] = ["a".repeat(64), "B".repeat(64)];
    const sums = parseSha256Sums(`${a}  one.tar.gz\n${b} *two.zip\nnonsense\n${a.slice(1)}  short\n`);
    expect([...sums]).toEqual([
      ["one.tar.gz", a],
      ["two.zip", b.toLowerCase()],
    ]);
  });
});
