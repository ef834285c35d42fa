import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { parseAptSources } from "./apt-sources.ts";
import { listOnPath } from "./locate.ts";

/** Facts about this machine that the install needs. */
export interface DebianMachine {
  readonly aptGet: string;
  readonly dpkg: string;
  readonly dpkgDeb: string;
  /** Debian's archive keyring, with which apt checks the signatures. */
  readonly keyring: string;
  /** At least one; the machine's first choice comes first. */
  readonly mirrors: readonly string[];
}

/** Rejects with MeshError `unavailable` that names the first thing missing. */
export async function inspectDebian(env: NodeJS.ProcessEnv, root = "/"): Promise<DebianMachine> {
  const osRelease = await readFile(join(root, "etc/os-release"), "utf8").catch(() => "");
  if (!isDebianLike(osRelease)) throw new MeshError("unavailable", "this machine is not Debian");
  const aptGet = await needTool("apt-get", env);
  const dpkg = await needTool("dpkg", env);
  const dpkgDeb = await needTool("dpkg-deb", env);
  const keyring = join(root, "usr/share/keyrings/debian-archive-keyring.gpg");
  await access(keyring).catch(() => {
    throw new MeshError("unavailable", `there is no Debian keyring ${keyring}`);
  });
  const mirrors = await readMirrors(join(root, "etc/apt"));
  if (mirrors.length === 0) throw new MeshError("unavailable", "apt's sources name no Debian mirror");
  return { aptGet, dpkg, dpkgDeb, keyring, mirrors };
}

/** Whether the text of `os-release` says Debian or a descendant. Pure. */
export function isDebianLike(osRelease: string): boolean {
  const match = osRelease.matchAll(/^(?:ID|ID_LIKE)=(["']?)([^"'\n]*)\1\s*$/gm);
  return [...match].some(([, , value = ""]) => value.split(/\s+/).includes("debian"));
}

async function needTool(name: string, env: NodeJS.ProcessEnv): Promise<string> {
  const [path] = await listOnPath(name, env);
  if (path === undefined) throw new MeshError("unavailable", `there is no ${name} on PATH`);
  return path;
}

async function readMirrors(etcApt: string): Promise<string[]> {
  const parts = (await readdir(join(etcApt, "sources.list.d")).catch(() => [])).sort();
  const files = ["sources.list", ...parts.map((name) => join("sources.list.d", name))];
  const mirrors: string[] = [];
  for (const file of files) {
    if (!file.endsWith(".list") && !file.endsWith(".sources")) continue;
    const text = await readFile(join(etcApt, file), "utf8").catch(() => "");
    mirrors.push(...parseAptSources(text, file.endsWith(".list") ? "list" : "sources"));
  }
  return [...new Set(mirrors)];
}
