/** The reasons that a file gives for waits of its own: `// waits: <reason>`. */
import { lineAt } from './tree.ts'
/** The reasons in the order of the text. Comments on the lines right below go on with a reason. */
export function readReasons(text, comments) {
  const reasons = []
  for (const comment of comments) {
    if (comment.type !== 'Line') continue
    const line = lineAt(text, comment.start)
    const trails = text.slice(text.lastIndexOf('\n', comment.start - 1) + 1, comment.start).trim() !== ''
    const begun = /^\s*waits:(.*)$/s.exec(comment.value)
    const last = reasons.at(-1)
    if (begun !== null) {
      reasons.push({ firstLine: line, lastLine: line, text: (begun[1] ?? '').trim(), trails })
    } else if (last?.lastLine === line - 1 && !last.trails && !trails) {
      reasons[reasons.length - 1] = {
        ...last,
        lastLine: line,
        text: `${last.text} ${comment.value.trim()}`.trim(),
      }
    }
  }
  return reasons
}
/** Whether a reason is for a place: right above its line or its statement, or inside the empty block. */
export function excuses(reason, text, site) {
  if (reason.text === '' || reason.trails) return false
  const next = reason.lastLine + 1
  if (next === site.line || next === site.statementLine) return true
  const { block } = site
  return (
    block !== undefined &&
    lineAt(text, block.start) <= reason.firstLine &&
    reason.lastLine <= lineAt(text, block.end)
  )
}
//# sourceMappingURL=reasons.js.map
