// `npm run pack -- [DIR]`: makes a tarball of every package that users install, in dist-packages/ by default.
// "npm run" builds before. Packages are packed from a copy, so that the checkout's manifests may name their
// sources.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HOME, run } from "./setup.mjs";

const out = resolve(process.argv[2] ?? join(HOME, "dist-packages"));
const packages = join(HOME, "packages");
const manifests = new Map(
  readdirSync(packages).map((name) => [
    name,
    JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8")),
  ]),
);
const released = [...manifests].filter(([, { private: isPrivate }]) => isPrivate !== true);

const [version] = new Set(released.map(([, manifest]) => manifest.version));
const problems = released.flatMap(([name, manifest]) => problemsOf(name, manifest));
if (problems.length > 0) {
  for (const problem of problems) console.error(problem);
  process.exit(78);
}

const staging = mkdtempSync(join(tmpdir(), "adaos-pack-"));
try {
  const folders = released.map(([name, manifest]) => stage(name, manifest));
  mkdirSync(out, { recursive: true });
  run(`packing ${folders.length} packages`, "npm", [
    "pack",
    "--silent",
    "--pack-destination",
    out,
    ...folders,
  ]);
} finally {
  rmSync(staging, { recursive: true });
}

/** Versions move together; a released package needs only released ones. */
function problemsOf(name, manifest) {
  const own = Object.entries(manifest.dependencies ?? {}).filter(([other]) => other.startsWith("@adaos/"));
  return [
    ...(manifest.version === version ? [] : [`${name} has version ${manifest.version}, others ${version}`]),
    ...own.filter(([, wanted]) => wanted !== version).map(([other]) => `${name} needs another ${other}`),
    ...own
      .filter(([other]) => manifests.get(other.slice("@adaos/".length))?.private === true)
      .map(([other]) => `${name} needs ${other}, which is not released`),
    ...(existsSync(join(packages, name, "dist")) ? [] : [`${name} is not built; run npm run build`]),
  ];
}

/** A copy of the package with the license, and without the entry points of its sources. */
function stage(name, { devDependencies: _, exports, ...manifest }) {
  const folder = join(staging, name);
  cpSync(join(packages, name), folder, {
    recursive: true,
    filter: (path) => !path.includes("node_modules"),
  });
  cpSync(join(HOME, "LICENSE"), join(folder, "LICENSE"));
  const entries = Object.entries(exports ?? {}).map(([entry, target]) => {
    if (typeof target === "string") return [entry, target];
    const { source: _source, ...conditions } = target;
    return [entry, conditions];
  });
  const text = JSON.stringify({ ...manifest, exports: Object.fromEntries(entries) }, undefined, 2);
  writeFileSync(join(folder, "package.json"), `${text}\n`);
  return folder;
}
