/** What a damage of the log has taken from the tree. */
import type { Log } from '@ipfs-kit/wal'
import { JournalError } from './errors.ts'
import type { Recovered } from './recovery.ts'

/** Places in which the log has lost records behind the checkpoint that the opening went on from, and its attributes if they are lost. */
export function lossesOf(
  { findings }: Pick<Log, 'findings'>,
  { kept: { checkpoints }, marksLost }: Recovered,
): number {
  const from = checkpoints[0]?.lsn ?? 0
  const places = findings.filter(({ lastLost = 0 }) => lastLost > from)
  return places.length + (marksLost === undefined ? 0 : 1)
}

/**
 * A log that has records of nothing makes an empty tree. That is what a new one has, but not one that has lost the head of a segment,
 * which is written before its records are: with an empty tree in its place the next collection would take all that was in it.
 *
 * @throws JournalError JOURNAL_DAMAGED
 */
export function checkNotWiped(log: Pick<Log, 'findings'>, { lsn, kept }: Recovered): void {
  const lost = log.findings.find(({ kind }) => kind === 'header')
  if (lsn > 0 || kept.checkpoints.length > 0 || lost === undefined) return
  throw new JournalError(
    'JOURNAL_DAMAGED',
    `Nothing that the log had can be read: ${lost.segment} is damaged`,
  )
}
