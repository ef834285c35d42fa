// `node install-server.mjs FILE`: puts a nats-server at FILE. The release and Debian's package are checked by digest or
// signature. A binary brought to the build needs its digest: NATS_SERVER_SHA256.
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, readFileSync } from "node:fs";
import { ensureNatsServer, renderProgress } from "@adaos/nats-server";

const BROUGHT = "/packages/nats-server";

const env = { ...process.env };
if (existsSync(BROUGHT)) {
  const digest = createHash("sha256").update(readFileSync(BROUGHT)).digest("hex");
  if (digest !== env.NATS_SERVER_SHA256) {
    console.error(
      `dist-packages/nats-server has SHA-256 ${digest}; name it with --build-arg NATS_SERVER_SHA256=`,
    );
    process.exit(78);
  }
  env.ADAOS_NATS_SERVER = BROUGHT;
}
const { path, version, from } = await ensureNatsServer({ env, onProgress: renderProgress() });
copyFileSync(path, process.argv[2]);
chmodSync(process.argv[2], 0o755);
console.log(`nats-server ${version} (${from})`);
