#!/usr/bin/env node
import { main } from "../bundle/main.js";

const LINGER_MS = 500;

process.exitCode = await main(process.argv.slice(2));
// An attempt that a command has given up, such as one to connect to a server that hangs, would keep this process for
// seconds. All that was printed goes out first.
setTimeout(() => process.stdout.write("", () => process.exit()), LINGER_MS).unref();
