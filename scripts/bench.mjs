// `npm run bench -- [options]`: sets up a fresh clone, then measures the mesh on this machine.
import { join } from "node:path";
import { HOME, setUp } from "./setup.mjs";

setUp();
const { main } = await import(join(HOME, "packages/bench/dist/main.js"));
process.exitCode = await main(process.argv.slice(2));
