import { expect, test } from "vitest";
import { compileRootServer } from "./compile.ts";
import { placeholderKey } from "./example-config.ts";

function configOf(subnets: number): string {
  const leaves = Array.from({ length: subnets }, (_, i) => [`s${i}`, placeholderKey(`s${i}`)] as const);
  return compileRootServer({
    host: "127.0.0.1",
    port: 4222,
    leafPort: 7422,
    storeDir: "/var/lib/adaos/store",
    durability: "synced",
    systemKey: placeholderKey("system"),
    rootKey: placeholderKey("root"),
    leafKeys: new Map(leaves),
    linkKeys: new Map(),
  });
}

test("leaf connections of a small mesh are compressed over slow lines, those of a large one never", () => {
  expect(configOf(16)).not.toContain("compression");
  expect(configOf(17)).toContain('compression: "off"');
});
