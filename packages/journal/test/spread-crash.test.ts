import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Journal } from '@ipfs-kit/journal'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { failNowAndThen, failOnce, fillVolume } from './crash/harms.ts'
import { calm, closeDead } from './crash/lives.ts'
import { whole } from './crash/writer.ts'
import { doneOnPlain, filesOf, soak } from './model-run.ts'
import { openOn } from './open-on.ts'
import { doneOn, fullRowsOf } from './plain-files.ts'
import { anyOp } from './plain-ops.ts'
import { plainClock, type PlainOp, PlainTree } from './plain-tree.ts'

const checkpointChanges = 4
const openPlain = (disk: SimDisk) =>
  openOn(disk, { clock: () => plainClock, checkpointChanges, segmentBytes: 4 * 1024 * 1024 })

/** So many folders that a checkpoint of them waits three times for other changes. */
const crowd: readonly PlainOp[] = Array.from({ length: 400 }, (_, at) => ({ op: 'mkdir', path: `/a/${at}` }))

/** What a change is refused with when the disk fails: whether it was done is not said. */
const unanswered: readonly unknown[] = [
  'JOURNAL_STORE_FAILED',
  'JOURNAL_FAILED',
  'JOURNAL_FULL',
  'JOURNAL_CLOSED',
]

/** What is known of a tree. */
interface Known {
  /** After all that was answered. */
  tree: PlainTree
  /** With the last change, if it was not answered. */
  maybe: PlainTree | undefined
}

/** Changes so much that a checkpoint begins by itself. */
async function begin(journal: Journal): Promise<PlainTree> {
  await using files = journal.begin()
  let tree = new PlainTree()
  const doIt = async (on: Parameters<typeof doneOn>[0], op: PlainOp): Promise<void> => {
    assert.equal(await doneOn(on, op), undefined)
    tree = tree.after(op)!
  }
  for (const op of [{ op: 'mkdir', path: '/a' } as const, ...crowd])
    await doIt({ ...filesOf(journal), files }, op)
  await files.commit()
  for (let nth = 1; nth < checkpointChanges; nth += 1)
    await doIt(filesOf(journal), { op: 'write', path: '/b', text: `${nth}` })
  return tree
}

/** Changes the tree as long as it answers. */
async function change(journal: Journal, known: Known): Promise<void> {
  for (const op of fc.sample(anyOp, { seed: whole(2 ** 31), numRuns: 6 })) {
    await sleep(whole(20))
    const done = doneOnPlain(known.tree, op)
    known.maybe = done.tree
    const code = await doneOn(filesOf(journal), op)
    if (unanswered.includes(code)) return
    assert.equal(code, done.code, JSON.stringify(op))
    known.tree = done.tree
    known.maybe = undefined
  }
}

/** What is there is what was answered, with the change that was not answered or without it; also when it was written. */
async function check(disk: SimDisk, { tree, maybe }: Known): Promise<void> {
  await using opened = await openPlain(disk)
  const { journal, blocks } = opened
  const rows = await fullRowsOf(journal)
  const isMaybe = maybe !== undefined && isDeepStrictEqual(rows, maybe.fullRows())
  if (!isMaybe) assert.deepEqual(rows, tree.fullRows())
  await journal.checkpoint()
  await blocks.collect()
  assert.deepEqual(await fullRowsOf(journal), rows)
}

test.each([
  ['an orderly disk', undefined],
  ['a disk that fails once', failOnce],
  ['a disk that fails now and then', failNowAndThen],
  ['a volume that is nearly full', fillVolume],
] as const)(
  'what was answered beside a checkpoint is there after a crash in the middle of it, with %s',
  { timeout: 60_000 * soak },
  async (_, harm) => {
    let crashedBeside = 0
    const seeds = 12 * soak
    const { failed } = await simulate(
      async () => {
        const disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) } })
        const opened = await openPlain(disk)
        const known: Known = { tree: await begin(opened.journal), maybe: undefined }
        harm?.(disk)
        let next = disk
        await taskGroup((group) => {
          group.spawn(() => change(opened.journal, known))
          group.spawn(async () => {
            await sleep(whole(100))
            if (opened.journal.checkpoints().length === 0) crashedBeside += 1
            next = whole(2) === 0 ? disk.kill() : disk.crash()
          })
        })
        await closeDead(opened)
        next.setFaults(calm)
        await check(next, known)
      },
      { seeds, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
    expect(crashedBeside).toBeGreaterThan(seeds / 4)
  },
)
