import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Files } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { type Opened, openOn } from './open-on.ts'

const each = forEachBackend(test, { seeds: 10 })
const content = Buffer.from(Array.from({ length: 4_000_000 }, (_, at) => (at * at) >> 8))

/** Nothing but those who read it has the file any more. */
async function removed({ journal, blocks }: Opened): Promise<void> {
  await journal.rm('/f')
  await journal.checkpoint({ keep: 1 })
  await blocks.collect()
}

each('a file that is removed is read to its end by who has begun, also in a transaction', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', content)
  await using transaction = journal.begin()
  await transaction.mkdir('/other')
  const reads = [journal, transaction].map((files) => files.read('/f'))
  const pieces = await Promise.all(reads.map(async (read) => [(await read.next()).value!]))
  await removed(opened)
  for (const [at, read] of reads.entries()) {
    for await (const piece of read) pieces[at]!.push(piece)
    expect(Buffer.concat(pieces[at]!).equals(content)).toBe(true)
  }
})

each('a reader that leaves lets the file go', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal, blocks } = opened
  await journal.write('/f', content)
  const { cid } = await journal.stat('/f')
  const read = journal.read('/f')
  await read.next()
  await removed(opened)
  expect(await blocks.has(cid!)).toBe(true)
  await read.return()
  await blocks.collect()
  expect(await blocks.has(cid!)).toBe(false)
})

each('a range is of the file that was there when the reading began, and tells its size and CID', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', content)
  const { cid } = await journal.stat('/f')
  const reading = journal.readRange('/f', { offset: 1_500_000, length: 1_000_000 })
  await journal.write('/f', Buffer.from('other'))
  const range = await reading
  expect(range).toMatchObject({ cid, size: content.length })
  expect(content.subarray(1_500_000, 2_500_000).equals(range.bytes)).toBe(true)

  await using transaction = journal.begin()
  await transaction.append('/f', Buffer.from('!'))
  const read = async (files: Files, offset: number, length: number) => {
    const { bytes, size } = await files.readRange('/f', { offset, length })
    return [Buffer.from(bytes).toString(), size]
  }
  expect(await read(transaction, 3, 100)).toEqual(['er!', 6])
  expect(await read(journal, 3, 100)).toEqual(['er', 5])
  expect(await read(journal, 0, 0)).toEqual(['', 5])
  expect(await read(journal, 5, 1)).toEqual(['', 5])
})

each('a range that cannot be is refused, and its file let go', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal, blocks } = opened
  await journal.write('/f', content)
  const { cid } = await journal.stat('/f')
  await expect(journal.readRange('/f', { offset: 4_000_001, length: 1 })).rejects.toMatchObject({
    code: 'JOURNAL_RANGE',
  })
  for (const wrong of [-1, Number.NaN, 1.5]) {
    await expect(journal.readRange('/f', { length: wrong })).rejects.toThrow(RangeError)
    await expect(journal.readRange('/f', { offset: wrong, length: 1 })).rejects.toThrow(RangeError)
  }
  const reason = new Error('enough')
  const left = journal.readRange('/f', { length: 1, signal: AbortSignal.abort(reason) })
  await expect(left).rejects.toBe(reason)
  await removed(opened)
  expect(await blocks.has(cid!)).toBe(false)
})
