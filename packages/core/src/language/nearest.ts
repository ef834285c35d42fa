/** With more typing errors it is another word. */
const MAX_EDITS = 3;

/** The candidate with the fewest edits from `text`, at most 3 and fewer than a third of its length. Pure. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.min(MAX_EDITS, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    // Compared first: names come from strangers, and long ones must not cost time.
    if (Math.abs(candidate.length - text.length) >= bestEdits) continue;
    const edits = editDistance(text, candidate, bestEdits);
    if (edits >= bestEdits) continue;
    best = candidate;
    bestEdits = edits;
  }
  return best;
}

/** Insertions, deletions and replacements that turn `a` into `b`; `limit` if they are as many or more. */
function editDistance(a: string, b: string, limit: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => Math.min(j, limit));
  for (let i = 1; i <= a.length; i++) {
    const next = new Array<number>(b.length + 1).fill(limit);
    next[0] = Math.min(i, limit);
    // A cell further from the diagonal than the limit takes more edits anyway.
    for (let j = Math.max(1, i - limit); j <= Math.min(b.length, i + limit); j++) {
      const replaced = (row[j - 1] ?? limit) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, (row[j] ?? limit) + 1, (next[j - 1] ?? limit) + 1, limit);
    }
    row = next;
  }
  return row[b.length] ?? limit;
}
