/** The reasons that a file gives for waits of its own: `// waits: <reason>`. */
import { lineAt, type Site } from './tree.ts'

/** One such comment. Lines are counted from 1. */
export interface Reason {
  readonly firstLine: number
  /** The line of the last comment that goes on with it. */
  readonly lastLine: number
  /** `''` if none is given. */
  readonly text: string
  /** Whether code stands before it on its line; such a comment excuses nothing. */
  readonly trails: boolean
}

/** A comment as the parser gives it: its text without the slashes, and its offsets. */
export interface Comment {
  readonly type: 'Line' | 'Block'
  readonly value: string
  readonly start: number
}

/** The reasons in the order of the text. Comments on the lines right below go on with a reason. */
export function readReasons(text: string, comments: readonly Comment[]): Reason[] {
  const reasons: Reason[] = []
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
export function excuses(reason: Reason, text: string, site: Site): boolean {
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
