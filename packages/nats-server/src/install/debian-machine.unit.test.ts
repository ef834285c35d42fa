import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inspectDebian, isDebianLike } from "./debian-machine.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "adaos-debian-"));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

const TOOLS = ["bin/apt-get", "bin/dpkg", "bin/dpkg-deb"];
const KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg";

async function write(path: string, text = ""): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text, { mode: 0o755 });
}

function inspect(): ReturnType<typeof inspectDebian> {
  return inspectDebian({ PATH: join(root, "bin") }, root);
}

describe("isDebianLike()", () => {
  test.each([
    ["ID=debian", true],
    ['NAME="X"\nID="debian"\n', true],
    ["ID=ubuntu\nID_LIKE=debian\n", true],
    ['ID=x\nID_LIKE="ubuntu debian"\n', true],
    ["ID=fedora\nVARIANT_ID=debian\n", false],
    ["ID=debianish\n", false],
    ["", false],
  ])("%j: %s", (text, isDebian) => {
    expect(isDebianLike(text)).toBe(isDebian);
  });
});

describe("inspectDebian()", () => {
  test("names the first thing missing, until nothing is", async () => {
    await expect(inspect()).rejects.toMatchObject({
      code: "unavailable",
      message: "this machine is not Debian",
    });
    await write("etc/os-release", "ID=debian\n");
    for (const tool of TOOLS) {
      await expect(inspect()).rejects.toThrow(`there is no ${tool.slice(4)} on PATH`);
      await write(tool);
    }
    await expect(inspect()).rejects.toThrow("there is no Debian keyring");
    await write(KEYRING);
    await expect(inspect()).rejects.toThrow("apt's sources name no Debian mirror");
    await write("etc/apt/sources.list", "deb http://one.example/debian bookworm main\n");
    await expect(inspect()).resolves.toEqual({
      aptGet: join(root, "bin/apt-get"),
      dpkg: join(root, "bin/dpkg"),
      dpkgDeb: join(root, "bin/dpkg-deb"),
      keyring: join(root, KEYRING),
      mirrors: ["http://one.example/debian"],
    });
  });

  test("reads the files of apt's sources in apt's order, each mirror once", async () => {
    for (const path of [...TOOLS, KEYRING]) await write(path);
    await write("etc/os-release", "ID=debian\n");
    const stanza = "Types: deb\nSuites: trixie\nComponents: main\nURIs: ";
    await write("etc/apt/sources.list.d/b.sources", `${stanza}http://three.example/debian\n`);
    await write("etc/apt/sources.list.d/a.list", "deb http://two.example/debian trixie main\n");
    await write("etc/apt/sources.list.d/c.list", "deb http://one.example/debian trixie main\n");
    await write("etc/apt/sources.list.d/d.list.bak", "deb http://four.example/debian trixie main\n");
    await write("etc/apt/sources.list", "deb http://one.example/debian trixie main\n");
    const { mirrors } = await inspect();
    expect(mirrors).toEqual(["one", "two", "three"].map((host) => `http://${host}.example/debian`));
  });
});
