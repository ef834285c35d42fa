import { messageOf } from "@adaos/core/wire";
import { answer, ask } from "../roles/ask.ts";
import { compare } from "../roles/compare.ts";
import { fail } from "../roles/fail.ts";
import { load } from "../roles/load.ts";
import { receive } from "../roles/receive.ts";
import type { Role } from "../roles/role.ts";
import { send } from "../roles/send.ts";
import type { Command, Told, Work } from "./worker-protocol.ts";

// A worker gets its role and its run in its first argument, reports its progress to its parent, and ends with it.
const work = JSON.parse(process.argv[2] ?? "{}") as Work;
process.once("disconnect", () => process.exit());

const heard = new Map<Command, () => void>();
const until = (command: Command): Promise<void> => new Promise((resolve) => heard.set(command, resolve));
const role: Role = {
  tell: (told: Told) => void process.send?.(told),
  go: until("go"),
  close: until("close"),
};
process.on("message", (command: Command) => heard.get(command)?.());

try {
  await start(work);
  process.disconnect?.();
} catch (thrown) {
  role.tell({ kind: "failed", message: messageOf(thrown) });
}

function start(work: Work): Promise<void> {
  if (work.role === "send") return send(work, role);
  if (work.role === "receive") return receive(work, role);
  if (work.role === "ask") return ask(work, role);
  if (work.role === "answer") return answer(work, role);
  if (work.role === "fail") return fail(work, role);
  if (work.role === "load") return load(work, role);
  return compare(work, role);
}
