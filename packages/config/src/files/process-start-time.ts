import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Start time of a process, which no later process of the same id shares; undefined when it is not running. Digits
 * only.
 */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The command's name may contain spaces and brackets: the fixed fields begin after its last bracket.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // A zombie has ended; only its parent has not collected it.
      return fields[0] === "Z" ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    const output = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    const startedMs = Date.parse(output.trim());
    return Number.isNaN(startedMs) ? undefined : String(startedMs);
  } catch {
    return undefined;
  }
}
