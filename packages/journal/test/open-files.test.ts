import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
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
