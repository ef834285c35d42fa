import { type Bus, type ConnectOptions, connect } from "@adaos/client";
import { readMeshFile } from "@adaos/config";
import { MeshError } from "@adaos/core";

/** Connects as a command does: to the mesh that runs. Rejects as `connect()` does. */
export async function connectMember(options: ConnectOptions): Promise<Bus> {
  const file = process.env["ADAOS_MESH"];
  // Such a mesh would be this process alone, and its events would be gone with it.
  if (file !== undefined && readMeshFile(file).transport === "local") {
    const why = `ADAOS_MESH names ${file}, a mesh within one process (transport: local)`;
    throw new MeshError("usage", `${why}: no other program would see the event; unset ADAOS_MESH`);
  }
  return connect(options);
}
