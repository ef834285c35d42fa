// Finds or installs nats-server, so that the first test that needs it does not spend its time on a download.
import { ensureNatsServer, renderProgress } from "@adaos/nats-server";

const { path, version, from } = await ensureNatsServer({ onProgress: renderProgress() });
console.error(`nats-server ${version} (${from}: ${path})`);
