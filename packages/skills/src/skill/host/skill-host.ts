import { Socket } from "node:net";
import { pathToFileURL } from "node:url";
import { LineSplitter } from "../protocol/line-splitter.ts";
import { type FromSkill, MAX_LINE_BYTES, type ToSkill } from "../protocol/messages.ts";
import { toldError } from "../protocol/told-error.ts";
import { HostedSkill } from "./hosted-skill.ts";

/**
 * The program of a skill's process: loads the skill's module and speaks the protocol for it, over descriptor 3, so that
 * what the skill prints is its log. It loads nothing of the mesh.
 */
const PROTOCOL_FD = 3;
const [, , entry = ""] = process.argv;
const channel = new Socket({ fd: PROTOCOL_FD, readable: true, writable: true });
const send = (message: FromSkill): void => void channel.write(`${JSON.stringify(message)}\n`);
let skill: HostedSkill | undefined;

// The daemon has gone: a skill without it would do its work unseen.
channel.on("close", () => process.exit(0));
channel.on("error", () => process.exit(0));

process.on("unhandledRejection", (thrown) => {
  // As without this listener: the process ends, and its trace is in the log.
  if (skill?.isOfDelivery(thrown) !== true) throw thrown;
});

const lines = new LineSplitter(
  MAX_LINE_BYTES,
  (line) => void take(JSON.parse(line) as ToSkill),
  () => process.exit(70),
);
channel.on("data", (chunk) => lines.push(chunk));

async function take(message: ToSkill): Promise<void> {
  if (message.type === "start") return begin(message.skill);
  if (message.type === "ping") return send({ type: "pong", id: message.id });
  if (message.type === "stop") {
    await skill?.stop();
    process.exit(0);
  }
  skill?.take(message);
}

async function begin(name: string): Promise<void> {
  try {
    const module: unknown = await import(pathToFileURL(entry).href);
    skill = new HostedSkill(name, module, send);
    send({ type: "ready", handlers: await skill.start() });
  } catch (thrown) {
    send({ type: "broken", error: toldError(thrown) });
    // Node alone knows the place of a syntax error, and prints it where nobody catches the error.
    setImmediate(() => {
      throw thrown;
    });
  }
}
