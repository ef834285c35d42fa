import { PROGRAM_HEADER, type Program, parseProgram, programText } from "@adaos/core/wire";
import { headers, type Msg, type MsgHdrs } from "nats";

/** The headers by which a request or an answer tells the program of its sender. */
export function programHeaders(): MsgHdrs {
  const told = headers();
  told.set(PROGRAM_HEADER, programText());
  return told;
}

/** The program of a message's sender; undefined when it does not tell it. */
export function programIn({ headers: told }: Pick<Msg, "headers">): Program | undefined {
  return parseProgram(told?.get(PROGRAM_HEADER));
}
