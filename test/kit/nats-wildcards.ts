/**
 * Wildcards of nats-server by its documentation, independent of our code: `*` stands for one token, `>` at the end
 * for one or more.
 */

/** Whether a subject without wildcards matches the filter. */
export function filterMatches(filter: string, subject: string): boolean {
  return filtersOverlap(filter, subject);
}

/** Whether some subject matches both filters: a consumer with two such filters is refused. */
export function filtersOverlap(left: string, right: string): boolean {
  const a = left.split(".");
  const b = right.split(".");
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] === ">" || b[i] === ">") return true;
    if (a[i] !== "*" && b[i] !== "*" && a[i] !== b[i]) return false;
  }
  return a.length === b.length;
}
