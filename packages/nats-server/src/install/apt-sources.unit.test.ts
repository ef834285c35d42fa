import { describe, expect, test } from "vitest";
import { parseAptSources } from "./apt-sources.ts";

describe("parseAptSources() of one-line sources", () => {
  test("gives the main mirrors in order, each once", () => {
    const text = [
      "# deb http://commented.example/debian bookworm main",
      "deb-src http://source.example/debian bookworm main",
      "deb http://one.example/debian bookworm main contrib # near",
      "deb http://one.example/debian/ bookworm-updates main",
      "  deb [ arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg ] https://two.example/x sid main",
      "deb http://one.example/debian trixie main",
    ].join("\n");
    expect(parseAptSources(text, "list")).toEqual(["http://one.example/debian", "https://two.example/x"]);
  });

  test.each([
    ["the security archive", "deb http://one.example/debian-security bookworm-security main"],
    ["the security archive under a plain suite", "deb http://one.example/debian-security stable main"],
    ["another component", "deb https://other.example/linux/debian bookworm stable"],
    ["another suite", "deb https://other.example/debian nodistro main"],
    [
      "another key",
      "deb [signed-by=/usr/share/keyrings/other.gpg] https://other.example/debian bookworm main",
    ],
    ["another folder without a key", "deb https://other.example/apt bookworm main"],
    ["another distribution", "deb http://one.example/ubuntu noble main"],
    ["a disc", "deb cdrom:[Debian 12]/ bookworm main"],
    ["a broken line", "deb [signed-by=x http://one.example/debian"],
  ])("leaves out %s", (_, line) => {
    expect(parseAptSources(line, "list")).toEqual([]);
  });

  test("takes a dated archive and a proxy in front of a mirror", () => {
    const text = [
      "deb http://snapshot.example/archive/debian/20250520T000000Z bookworm main",
      "deb http://proxy.example:3142/mirror.example/debian bookworm main",
    ].join("\n");
    expect(parseAptSources(text, "list")).toHaveLength(2);
  });
});

describe("parseAptSources() of deb822 sources", () => {
  test("reads stanzas with comments inside and continued fields", () => {
    const text = `Types: deb deb-src
# http://commented.example/debian
URIs: http://one.example/debian
  http://two.example/debian
Suites: bookworm bookworm-updates
Components: main
  contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

types: deb
uris: http://one.example/debian-security
suites: bookworm-security
components: main
`;
    expect(parseAptSources(text, "sources")).toEqual([
      "http://one.example/debian",
      "http://two.example/debian",
    ]);
  });

  test("takes the mirror list of a cloud image", () => {
    const text = `Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie trixie-updates trixie-backports
Components: main

Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: trixie-security
Components: main
`;
    expect(parseAptSources(text, "sources")).toEqual(["mirror+file:///etc/apt/mirrors/debian.list"]);
  });

  test.each([
    ["disabled", "Enabled: no"],
    [
      "another's",
      "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----",
    ],
  ])("leaves out a stanza that is %s", (_, field) => {
    const text = `Types: deb\nURIs: http://one.example/debian\nSuites: bookworm\nComponents: main\n${field}\n`;
    expect(parseAptSources(text, "sources")).toEqual([]);
  });

  test("gives nothing for nothing", () => {
    expect(parseAptSources("", "sources")).toEqual([]);
  });
});
