import { z } from "zod";
import { meshSchema } from "./mesh-file.ts";
import { nodeFileSchema } from "./node-file.ts";

/** JSON Schema of `mesh.yaml`, for editors. Patterns and names are checked further when the file is read. */
export function meshFileJsonSchema(): string {
  return jsonSchema(meshSchema, "mesh.yaml of AdaOS Mesh");
}

/** JSON Schema of the file of one node. */
export function nodeFileJsonSchema(): string {
  return jsonSchema(nodeFileSchema, "Node file of AdaOS Mesh");
}

function jsonSchema(schema: z.ZodType, title: string): string {
  const generated = z.toJSONSchema(schema, { io: "input", target: "draft-2020-12" });
  return `${JSON.stringify({ title, ...generated }, undefined, 2)}\n`;
}
