/** What writers do with snapshots, and know of them. */
import assert from 'node:assert/strict'
import type { Disk } from '@ipfs-kit/disk'
import type { Journal } from '@ipfs-kit/journal'
import { openOn } from '../open-on.ts'
import { type Change, type State, type Writer, whole } from './writer.ts'

/** Makes a snapshot, removes one, or goes back to one. */
export function someVersion(journal: Journal, writer: Writer): Change {
  const { folder, state, snapshots, unsure } = writer
  const [name, was] = [...snapshots][whole(snapshots.size)] ?? []
  if (name === undefined || was === undefined || whole(3) === 0) {
    writer.next += 1
    const made = `${folder.slice(1)} ${writer.next}`
    const change = async (): Promise<void> => {
      unsure.set(made, state)
      await journal.snapshot(made)
      unsure.delete(made)
      snapshots.set(made, state)
    }
    return { state, change }
  }
  if (was.size > 0 && whole(3) > 0) {
    return { state: was, change: () => journal.restore({ snapshot: name }, { path: folder }) }
  }
  const change = async (): Promise<void> => {
    snapshots.delete(name)
    unsure.set(name, was)
    await journal.removeSnapshot(name)
    unsure.delete(name)
  }
  return { state, change }
}

/** The snapshots that were answered are there, and of the others those that are. */
export function checkSnapshots(journal: Journal, writers: readonly Writer[]): void {
  const found = new Set(journal.snapshots().map(({ name }) => name))
  const expected = new Set<string>()
  for (const { snapshots, unsure } of writers) {
    for (const [name, state] of unsure) if (found.has(name)) snapshots.set(name, state)
    unsure.clear()
    for (const name of snapshots.keys()) expected.add(name)
  }
  assert.deepEqual(found, expected)
}

/** Takes the root of the newest checkpoint out of the store, if others are kept and have another one. */
export async function loseNewest(disk: Disk): Promise<void> {
  await using opened = await openOn(disk)
  const { journal, blocks } = opened
  const [newest, ...others] = [...journal.checkpoints(), ...journal.snapshots()]
  if (newest === undefined || journal.checkpoints().length < 2) return
  if (others.some(({ cid }) => cid.equals(newest.cid))) return
  await blocks.delete(newest.cid)
}

/** Goes back to each snapshot of a writer. */
export async function* restoreEach(
  journal: Journal,
  { folder, snapshots }: Writer,
): AsyncGenerator<State, void, undefined> {
  for (const [name, state] of snapshots) {
    if (state.size === 0) continue
    await journal.restore({ snapshot: name }, { path: folder })
    yield state
  }
}
