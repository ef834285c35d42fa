import { counted } from "@adaos/core/wire";

const MAX_NOTES = 5;

/** The first notes in one line, and how many more there are. Pure. */
export function summaryOf(notes: readonly string[]): string {
  const told = notes.slice(0, MAX_NOTES).join("; ");
  return notes.length <= MAX_NOTES ? told : `${told}; and ${counted(notes.length - MAX_NOTES, "note")} more`;
}
