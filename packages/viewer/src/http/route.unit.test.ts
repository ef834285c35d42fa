import { describe, expect, test } from "vitest";
import { z } from "zod";
import { findRoute, route } from "./route.ts";

const at = (method: "GET" | "POST", path: string) =>
  route({ method, path, role: "viewer", input: z.object({}), answer: async () => path });
const ROUTES = [
  at("GET", "/api/letters"),
  at("GET", "/api/letters/:at/:seq"),
  at("POST", "/api/letters/:at/purge"),
];

describe("findRoute()", () => {
  test.each([
    ["GET", "/api/letters", "/api/letters", {}],
    ["GET", "/api/letters/alpha/7", "/api/letters/:at/:seq", { at: "alpha", seq: "7" }],
    ["GET", "/api/letters/a%2Fb/%e2%80%ae", "/api/letters/:at/:seq", { at: "a/b", seq: "\u202e" }],
    ["GET", "/api/letters/__proto__/7", "/api/letters/:at/:seq", { at: "__proto__", seq: "7" }],
    ["POST", "/api/letters/alpha/purge", "/api/letters/:at/purge", { at: "alpha" }],
  ])("%s %s is %s", (method, asked, path, parts) => {
    const found = findRoute(ROUTES, method, asked);
    expect(found?.route.path).toBe(path);
    expect(found?.parts).toMatchObject(parts);
  });

  test.each([
    ["POST", "/api/letters"],
    ["GET", "/api/letters/"],
    ["GET", "/api/letters//7"],
    ["GET", "/api/letters/alpha/7/"],
    ["GET", "/api/letters/alpha/%"],
    ["get", "/api/letters"],
  ])("%s %s is none", (method, asked) => {
    expect(findRoute(ROUTES, method, asked)).toBeUndefined();
  });
});
