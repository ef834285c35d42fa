import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** The first program of that name on `PATH`, or in a folder for programs of root. */
export async function findProgram(name: string): Promise<string | undefined> {
  const dirs = [
    ...(process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute),
    "/usr/sbin",
    "/usr/local/sbin",
  ];
  for (const dir of dirs) {
    const path = join(dir, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
