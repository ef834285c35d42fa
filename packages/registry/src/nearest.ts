/** More typing errors than this are another word. */
const MAX_EDITS = 3;

/** The candidate with the fewest edits from `text`, at most 3 and fewer than a third of its length. Pure. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.min(MAX_EDITS, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    // Compared first: names come from strangers, and this keeps long ones from costing time.
    if (Math.abs(candidate.length - text.length) >= bestEdits) continue;
    const edits = editDistance(text, candidate);
    if (edits >= bestEdits) continue;
    best = candidate;
    bestEdits = edits;
  }
  return best;
}

/** Insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
