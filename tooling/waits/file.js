/** All that is wrong with the waits of one file. */
import { parseSync } from 'vite'
import { findMade } from './made.ts'
import { findNames } from './names.ts'
import { findPromises, localFunctions } from './promises.ts'
import { excuses, readReasons } from './reasons.ts'
import { lineAt, walk } from './tree.ts'
/** The findings in the order of the lines. `file` is the path from the workspace root. */
export function checkFile(file, text) {
  const { program, comments, errors } = parseSync(file, text)
  const first = errors[0]
  if (first !== undefined) {
    return [{ file, problem: `cannot be parsed: ${first.message}`, remedy: 'correct the syntax' }]
  }
  const functions = localFunctions(program)
  const sites = []
  walk(program, (node, place) => {
    for (const found of [...findNames(node, place), ...findMade(node), ...findPromises(node, functions)]) {
      sites.push({ ...found, line: lineAt(text, found.at), statementLine: lineAt(text, place.statement) })
    }
    return undefined
  })
  const reasons = readReasons(text, comments)
  const used = new Set()
  const found = new Map()
  for (const site of sites) {
    const reason = reasons.find((one) => excuses(one, text, site))
    if (reason !== undefined) used.add(reason)
    else found.set(`${site.line} ${site.problem}`, { file, ...pick(site) })
  }
  return [...found.values(), ...reasons.flatMap((one) => complaint(file, one, used.has(one)))].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0),
  )
}
function pick({ line, problem, remedy }) {
  return { line, problem, remedy }
}
/** A reason has text and a place that it is for, so that none outlives what it excused. */
function complaint(file, reason, used) {
  const line = reason.firstLine
  if (reason.text === '') {
    return [
      { file, line, problem: '`// waits:` gives no reason', remedy: 'write why this place waits alone' },
    ]
  }
  if (used) return []
  const problem = '`// waits:` excuses nothing'
  return [{ file, line, problem, remedy: 'put it on the line above the place that it is for or take it out' }]
}
//# sourceMappingURL=file.js.map
