/** The known name that somebody may have meant. */

/**
 * The nearest of `known` by edits (insert, remove, replace, swap neighbours), if at most a third of it
 * differs.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestEdits = Infinity
  for (const candidate of known) {
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase())
    if (edits <= Math.max(2, Math.floor(candidate.length / 3)) && edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}

/** Optimal string alignment distance, three rows at a time. */
function editsBetween(a: string, b: string): number {
  let twoBack: number[] = []
  let oneBack = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (oneBack[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let edits = Math.min(replaced, (oneBack[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (twoBack[j - 2] ?? 0) + 1)
      }
      row.push(edits)
    }
    twoBack = oneBack
    oneBack = row
  }
  return oneBack[b.length] ?? 0
}
