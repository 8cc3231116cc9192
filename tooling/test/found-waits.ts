/** What the check of waits finds. */
import { checkWaits } from '../check-waits.ts'
import { formatFinding } from '../findings.ts'
import { folderOf, type Files } from './fixture.ts'

/** The findings of a workspace as lines. */
export function lines(files: Files): string[] {
  return checkWaits(folderOf(files)).map(formatFinding)
}

/** The findings in one source file, as `line: problem`. */
export function found(source: string): string[] {
  return checkWaits(folderOf({ 'packages/ipfs/src/a.ts': source })).map(
    ({ line, problem }) => `${line}: ${problem}`,
  )
}
