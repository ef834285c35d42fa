import { MeshError } from "@adaos/core";
import { PINNED_RELEASES } from "./pinned-releases.ts";
import { TESTED_VERSION } from "./version.ts";

const RELEASES_URL = "https://github.com/nats-io/nats-server/releases/download";

/** Address of the release: the configured mirror, else GitHub. Throws MeshError `invalid-config`. */
export function resolveReleaseUrl(env: NodeJS.ProcessEnv): URL {
  const text = env.ADAOS_NATS_RELEASE_URL || RELEASES_URL;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url !== undefined && (url.protocol === "http:" || url.protocol === "https:");
  // The value itself is not repeated: it may contain a password.
  if (!isWeb || url.username !== "" || url.password !== "") {
    throw new MeshError(
      "invalid-config",
      "ADAOS_NATS_RELEASE_URL must be an http or https address without user and password",
    );
  }
  return new URL(`${url.origin}${url.pathname.replace(/\/*$/, "/")}v${TESTED_VERSION}/`);
}

/**
 * The digest that an archive must have: the configured one, else the one pinned for this version. Undefined: the
 * release's own checksums are trusted, and TLS proves their origin. Throws `invalid-config` when neither a digest nor
 * TLS protects the download. Pure.
 */
export function pinnedDigest(
  base: URL,
  target: string,
  env: NodeJS.ProcessEnv,
  pins: Readonly<Record<string, string>> = PINNED_RELEASES[TESTED_VERSION] ?? {},
): string | undefined {
  const given = env.ADAOS_NATS_RELEASE_SHA256;
  if (given && !/^[0-9a-f]{64}$/i.test(given))
    throw new MeshError("invalid-config", "ADAOS_NATS_RELEASE_SHA256 must be 64 hexadecimal digits");
  const digest = given?.toLowerCase() || pins[target];
  if (digest === undefined && base.protocol !== "https:") {
    throw new MeshError(
      "invalid-config",
      `ADAOS_NATS_RELEASE_URL has no TLS and no digest of ${target} is known; use https, or set ADAOS_NATS_RELEASE_SHA256`,
    );
  }
  return digest;
}

export type ReleaseTarget =
  | { readonly kind: "target"; readonly name: string }
  | { readonly kind: "none"; readonly reason: string };

const RELEASED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  linux: {
    x64: "amd64",
    arm64: "arm64",
    ia32: "386",
    ppc64: "ppc64le",
    riscv64: "riscv64",
    s390x: "s390x",
    mips64el: "mips64le",
  },
  darwin: { x64: "amd64", arm64: "arm64" },
  freebsd: { x64: "amd64" },
};

/** How the release names this machine, for example `linux-amd64`. Pure. */
export function releaseTarget(platform: string, arch: string, arm: string): ReleaseTarget {
  if (platform === "win32") {
    return { kind: "none", reason: "the release is not installed by itself on Windows: unpack it by hand" };
  }
  const named = platform === "linux" && arch === "arm" ? `arm${arm}` : RELEASED[platform]?.[arch];
  if (named === undefined) return { kind: "none", reason: `no release is known for ${platform} on ${arch}` };
  return { kind: "target", name: `${platform}-${named}` };
}

/** Checksums by file name. Lines of another form are skipped. Pure. */
export function parseSha256Sums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]{64}) [ *](\S+)\s*$/i.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) sums.set(match[2], match[1].toLowerCase());
  }
  return sums;
}

/** Version of the ARM architecture that this Node was built for. */
export function armVersion(): string {
  const variables: Readonly<Record<string, unknown>> = { ...process.config.variables };
  return variables.arm_version === "6" ? "6" : "7";
}
