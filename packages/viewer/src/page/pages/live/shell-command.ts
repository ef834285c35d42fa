import type { FeedEvent } from "../../../api/feed.ts";

/** Characters that cannot be seen, or that would turn or break the line that is pasted. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/** One word of a POSIX shell: within single quotes nothing has a meaning but their end. Pure. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** JSON in which every character can be seen. It means the same. Pure. */
export function plainJson(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replaceAll(UNSEEN, (char) =>
    Array.from(
      { length: char.length },
      (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** The command that publishes an event's data anew, as the member that has published it. Pure. */
export function publishCommand({ envelope, origin }: Pick<FeedEvent, "envelope" | "origin">): string {
  const { event_name: name, version, data } = envelope;
  const word = (text: string): string => (/^[A-Za-z0-9._/@-]+$/.test(text) ? text : shellQuote(text));
  return `adaos events publish ${word(`${name}@${version}`)} --data ${shellQuote(plainJson(data))} --as ${word(origin)}`;
}
