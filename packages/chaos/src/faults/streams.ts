import { ROOT_DOMAIN } from "@adaos/core/wire";
import { withServers } from "@adaos/operations";
import type { ChaosMesh } from "../chaos-mesh.ts";
import { pick } from "../random.ts";
import { type Fault, type FaultScene, type Harm, NOTHING_TO_END } from "./fault.ts";

const subnets = (mesh: ChaosMesh): readonly string[] =>
  mesh.layout.servers.map(({ of }) => of).filter((of) => of !== ROOT_DOMAIN);
const places = (mesh: ChaosMesh): readonly string[] => mesh.layout.servers.map(({ of }) => of);

export const deleteStream: Fault = {
  name: "delete-stream",
  summary: "a stream of a server is deleted, with all that it holds",
  losesEvents: true,
  targets: places,
  begin: (scene) =>
    atServer(scene, async ({ jsm }) => {
      const names: string[] = [];
      for await (const { config } of jsm.streams.list()) names.push(config.name);
      const stream = pick(names.toSorted(), scene.random);
      if (stream === undefined) return `${scene.target} has no stream`;
      await jsm.streams.delete(stream);
      return `stream ${stream} deleted`;
    }),
};

export const deleteDurable: Fault = {
  name: "delete-durable",
  summary: "a durable of a stream is deleted, with the place that it had",
  losesEvents: true,
  targets: subnets,
  begin: (scene) =>
    atServer(scene, async ({ jsm }) => {
      const names: [string, string][] = [];
      for await (const { config } of jsm.streams.list()) {
        for await (const info of jsm.consumers.list(config.name)) {
          if (info.config.durable_name !== undefined) names.push([config.name, info.name]);
        }
      }
      const found = pick(names.toSorted(), scene.random);
      if (found === undefined) return `${scene.target} has no durable`;
      await jsm.consumers.delete(...found);
      return `durable ${found[1]} of ${found[0]} deleted`;
    }),
};

type OpenServer = Parameters<Parameters<typeof withServers>[1]>[0];

async function atServer(
  { mesh, target }: FaultScene,
  harm: (server: OpenServer) => Promise<string>,
): Promise<Harm> {
  let detail = "";
  const servers = mesh.layout.servers.filter(({ of }) => of === target);
  await withServers(servers, async (server) => {
    detail = await harm(server);
  });
  return { detail, end: NOTHING_TO_END };
}
