import { type EventDoc, type EventDocs, versionsOf } from "../event-doc.ts";

/** A piece of a text; with `doc` the name of an event that has a page. */
export interface Piece {
  readonly text: string;
  readonly doc?: EventDoc;
}

const NAME = /[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)+(?:@[1-9][0-9]{0,3})?/g;

/** Finds other events that a text of `doc` names; without a version the newest is meant. Pure. */
export function piecesOf(docs: EventDocs, doc: EventDoc, text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(NAME)) {
    const [name = "", version] = found.split("@");
    const named = versionsOf(docs, name).find(({ ref }) => version === undefined || ref === found);
    if (named === undefined || named.record.name === doc.record.name) continue;
    pieces.push({ text: text.slice(done, index) }, { text: found, doc: named });
    done = index + found.length;
  }
  return [...pieces, { text: text.slice(done) }];
}
