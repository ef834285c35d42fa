/** Whether some subject passes both patterns: `*` is one token, `>` at the end one or more. Pure. */
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

/** Whether it is one subject, as what is sent needs. */
export function isOneSubject(subject: string): boolean {
  return !subject.split(".").some((token) => token === "*" || token === ">");
}
