import { MeshError } from "@adaos/core";
import { type Layout, readLayout } from "@adaos/provision";
import { askHealth, type ComponentHealth, type ProcessRecord, runningProcesses } from "@adaos/supervise";

/** A running mesh in which faults are allowed. */
export class ChaosMesh {
  readonly stateDir: string;
  readonly layout: Layout;

  private constructor(stateDir: string, layout: Layout) {
    this.stateDir = stateDir;
    this.layout = layout;
  }

  /** Throws `denied` unless its mesh file says `chaos: allowed`, and `unavailable` when it is not running. */
  static open(stateDir: string): ChaosMesh {
    const layout = readLayout(stateDir);
    if (layout.chaos !== "allowed") {
      const file = layout.configFile ?? "the mesh file on the root's machine";
      const how = `write "chaos: allowed" into ${file}, then run adaos up again`;
      throw new MeshError("denied", `the mesh ${layout.mesh} allows no chaos; ${how}`);
    }
    const mesh = new ChaosMesh(stateDir, layout);
    if (mesh.processes().length > 0) return mesh;
    throw new MeshError("unavailable", `no mesh runs from ${stateDir}; start it with adaos up`);
  }

  /** Running servers and daemons, with their names in `adaos status`. */
  processes(): readonly ProcessRecord[] {
    return runningProcesses(this.stateDir);
  }

  process(name: string): ProcessRecord | undefined {
    return this.processes().find((one) => one.name === name);
  }

  /** Components that are not ready now. */
  async unready(): Promise<readonly ComponentHealth[]> {
    const { components } = await askHealth(this.layout, this.stateDir);
    return components.filter(({ ready }) => !ready);
  }

  /** Events that wait on the links from one member's subnet to another's. */
  async onLinks(from: string, to: string): Promise<number> {
    const [sender, receiver] = [from.split("/")[0], to.split("/")[0]];
    if (sender === receiver) return 0;
    const { components } = await askHealth(this.layout, this.stateDir);
    const links = [`up ${sender}`, `down ${receiver}`];
    return components
      .filter(({ kind, name }) => kind === "link" && links.includes(name.replace(/ \(.*\)$/, "")))
      .reduce((sum, { lag = 0 }) => sum + lag, 0);
  }
}
