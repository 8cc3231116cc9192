/** Writes the lines of an answer, and the notes beside it. */
import type { Outlet } from './cli-outlet.ts'
import type { ProgressDisplay } from './cli-progress.ts'
import { answerOf } from './errors.ts'
import type { Outcome } from './operation.ts'

/** Where the answer of one call goes. */
export interface AnswerWriter {
  readonly stdout: Outlet
  readonly stderr: Outlet
  /** Folder that relative paths start from. */
  readonly cwd: string
  readonly signal: AbortSignal
  readonly json: boolean
  readonly progress: ProgressDisplay | undefined
}

/** Writes a line of data; the live line of the progress makes room for it. */
export async function writeLine(text: string | undefined, writer: AnswerWriter): Promise<void> {
  if (text === undefined) return
  if (writer.stdout.isTerminal) writer.progress?.clear()
  await writer.stdout.write(`${text}\n`, writer.signal)
}

/** Writes a line that is no data. */
export function writeNote(text: string, { stderr, progress }: AnswerWriter): void {
  progress?.clear()
  stderr.push(`${text}\n`)
}

/** The exit code that a summary `{ items, failed }` asks for: 6 when some failed, 1 when all did; otherwise 0. */
export function partialExitCode(summary: unknown): number {
  if (typeof summary !== 'object' || summary === null) return 0
  const { items, failed } = summary as { readonly items?: unknown; readonly failed?: unknown }
  if (typeof failed !== 'number' || failed <= 0) return 0
  return typeof items === 'number' && items > 0 ? 6 : 1
}

/** The exit code that the outcome of a value asks for. */
export function outcomeExitCode(outcome: Outcome): number {
  if (outcome === undefined) return 0
  return outcome === 'partial' ? 6 : answerOf(outcome).exitCode
}
