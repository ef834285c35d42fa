// Programs of the distribution, for tests that need them too: `@adaos/bench/programs`.
export { libraryPath, unpackDebianPackage, unpackedDir } from "./install/debian-packages.ts";
export { findProgram, isExecutable } from "./install/find-program.ts";
