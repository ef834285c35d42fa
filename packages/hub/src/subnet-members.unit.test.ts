import { expect, test } from "vitest";
import { SubnetMembers } from "./subnet-members.ts";

test("by the only file of a hub, who is not in it has left", () => {
  const members = new SubnetMembers(["kitchen"], true);
  expect(["kitchen", "desk"].filter(members.isGone)).toEqual(["desk"]);
});

test("a daemon beside others deletes nothing of a member that its file never had, only of one that left it", () => {
  const members = new SubnetMembers(["kitchen", "lamp"], false);
  expect(["kitchen", "desk"].filter(members.isGone)).toEqual([]);
  members.replace(["kitchen"]);
  expect(["kitchen", "desk", "lamp"].filter(members.isGone)).toEqual(["lamp"]);
  members.replace(["kitchen", "lamp"]);
  expect(members.names()).toEqual(["kitchen", "lamp"]);
  expect(members.isGone("lamp")).toBe(false);
});
