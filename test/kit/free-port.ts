import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports for outgoing connections: one of those could take a port between this answer and its use. Beside the
 * range from which `adaos up` picks.
 */
const FIRST_PORT = 10_000;
const LAST_PORT = 20_000;
const ATTEMPTS = 100;

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
