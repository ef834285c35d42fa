import {
  CLOCK_HEADER,
  PROGRAM_HEADER,
  type Program,
  parseClock,
  parseProgram,
  programText,
} from "@adaos/core/wire";
import { headers, type Msg, type MsgHdrs } from "nats";

/** The headers by which a request or an answer tells the program of its sender, and when it was sent. */
export function programHeaders(): MsgHdrs {
  const told = headers();
  told.set(PROGRAM_HEADER, programText());
  told.set(CLOCK_HEADER, String(Date.now()));
  return told;
}

/** The program of a message's sender; undefined when it does not tell it. */
export function programIn({ headers: told }: Pick<Msg, "headers">): Program | undefined {
  return parseProgram(told?.get(PROGRAM_HEADER));
}

/** When a message was sent by its sender's clock, milliseconds since the epoch; undefined when it does not tell it. */
export function clockIn({ headers: told }: Pick<Msg, "headers">): number | undefined {
  return parseClock(told?.get(CLOCK_HEADER));
}
