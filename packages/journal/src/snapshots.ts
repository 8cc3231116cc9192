/** Snapshots: trees that have a name, and stay until they are removed. */
import { JournalError } from './errors.ts'
import type { Snapshot } from './journal.ts'
import type { KeptTree, NamedTree } from './record.ts'

/** What becomes of the snapshots with a checkpoint: it may be one of them. */
export type Naming = (snapshots: readonly NamedTree[], checkpoint: KeptTree) => readonly NamedTree[]

/** Each record of a checkpoint has all of them, and has to fit into the smallest segment. */
const maxSnapshots = 200
const maxNameBytes = 64

/** Gives a checkpoint a name. @throws JournalError JOURNAL_SNAPSHOT_EXISTS, JOURNAL_TOO_MANY_SNAPSHOTS */
export function naming(name: string, at: number): Naming {
  return (snapshots, { sequence, root, dagBytes, marks }) => {
    checkFree(snapshots, name)
    const tree = { sequence, root, dagBytes, ...(marks !== undefined && { marks }) }
    return [...snapshots, { name, at, ...tree }]
  }
}

/** Takes a name away. @throws JournalError JOURNAL_VERSION_UNKNOWN */
export function unnaming(name: string): Naming {
  return (snapshots) => {
    const gone = snapshotNamed(snapshots, name)
    return snapshots.filter((one) => one !== gone)
  }
}

/** @throws JournalError JOURNAL_SNAPSHOT_EXISTS, JOURNAL_TOO_MANY_SNAPSHOTS */
export function checkFree(snapshots: readonly NamedTree[], name: string): void {
  if (snapshots.some((one) => one.name === name)) {
    throw new JournalError('JOURNAL_SNAPSHOT_EXISTS', `There is a snapshot ${name}`)
  }
  if (snapshots.length >= maxSnapshots) {
    throw new JournalError('JOURNAL_TOO_MANY_SNAPSHOTS', `There are ${snapshots.length} snapshots`)
  }
}

/** @throws JournalError JOURNAL_VERSION_UNKNOWN */
export function snapshotNamed(snapshots: readonly NamedTree[], name: string): NamedTree {
  const found = snapshots.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new JournalError('JOURNAL_VERSION_UNKNOWN', `There is no snapshot ${JSON.stringify(name)}`)
}

/** @throws JournalError JOURNAL_INVALID_NAME; TypeError */
export function checkSnapshotName(name: string): void {
  if (typeof name !== 'string') throw new TypeError('A name of a snapshot is a string')
  const bytes = Buffer.byteLength(name)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const isPlain = name.isWellFormed() && !/[\u0000-\u001f\u007f/]/.test(name)
  if (bytes >= 1 && bytes <= maxNameBytes && isPlain && name !== '.' && name !== '..') return
  const shown = JSON.stringify(name.slice(0, 100))
  throw new JournalError('JOURNAL_INVALID_NAME', `${shown} is no name of a snapshot`)
}

export function shownSnapshot({ name, root, sequence, at }: NamedTree): Snapshot {
  return Object.freeze({ name, cid: root, sequence, at })
}
