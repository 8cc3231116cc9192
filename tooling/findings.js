/** What a check found: where, what is wrong, and what to do about it. */
/** A finding as one line: `file:line: what, what to do`. */
export function formatFinding(finding) {
  const place = finding.line === undefined ? finding.file : `${finding.file}:${finding.line}`
  return `${place}: ${finding.problem}, ${finding.remedy}`
}
/** Prints the findings of a check, one per line, or one line that says it is clean. Sets exit code 1 if there are any. */
export function reportFindings(check, findings) {
  for (const finding of findings) console.error(formatFinding(finding))
  if (findings.length === 0) {
    console.log(`${check}: clean`)
    return
  }
  console.error(`${check}: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`)
  process.exitCode = 1
}
//# sourceMappingURL=findings.js.map
