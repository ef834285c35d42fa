import { configErrorOf, readMeshFile, readNodeFile } from "@adaos/config";
import type { Finding, Scene } from "../check.ts";

/** Whether the mesh file and every node file can be read, and whether each daemon works by its file. */
export async function configFiles(scene: Scene): Promise<readonly Finding[]> {
  const { health, layout, meshFile } = scene;
  const found = new Map<string, Finding>();
  for (const { file, place, message, remedy } of health.config.errors) {
    const mend = file === meshFile ? checkCommand(file) : mendOf(file, scene);
    found.set(file, { level: "fault", about: place ?? file, problem: message, why: remedy, mend });
  }
  const add = (file: string, read: () => unknown, mend: string): void => {
    if (found.has(file)) return;
    try {
      read();
    } catch (thrown) {
      const why = "a daemon that is started again goes by the last good version, where there is one";
      const { place, message } = configErrorOf(file, thrown, why);
      const problem = message.replace(`${file} `, "");
      found.set(file, { level: "fault", about: place ?? file, problem, why, mend });
    }
  };
  if (meshFile !== undefined) add(meshFile, () => readMeshFile(meshFile), checkCommand(meshFile));
  for (const { nodeFile, role } of layout.nodes)
    add(nodeFile, () => readNodeFile(nodeFile, role), mendOf(nodeFile, scene));
  return [...found.values()];
}

function checkCommand(file: string): string {
  return `adaos policy check --config ${file}`;
}

/** A registry's folder is repaired by hand; files that the mesh file determines are written anew. */
function mendOf(file: string, { layout, meshFile }: Scene): string {
  if (file.startsWith(layout.registryDir))
    return `adaos events registry lint --registry ${layout.registryDir}`;
  return meshFile === undefined ? "adaos join" : `adaos policy apply --config ${meshFile}`;
}
