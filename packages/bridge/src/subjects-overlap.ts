/** Whether some subject matches both patterns: `*` is one token, `>` at the end one or more. Pure. */
export function subjectsOverlap(left: string, right: string): boolean {
  const a = left.split(".");
  const b = right.split(".");
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] === ">" || b[i] === ">") return true;
    if (a[i] !== "*" && b[i] !== "*" && a[i] !== b[i]) return false;
  }
  return a.length === b.length;
}

/** Whether it is a subject without wildcards, as a publish needs. */
export function isOneSubject(subject: string): boolean {
  return !subject.split(".").some((token) => token === "*" || token === ">");
}
