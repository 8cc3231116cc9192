import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Files } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf, treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })
const bytes = (text: string) => Buffer.from(text)

/** A journal with a few files and folders. */
async function someFiles(options: { readonly checkpoint?: boolean } = {}) {
  const disk = simDisk({ seed: 1 })
  const opened = await openOn(disk)
  const { journal } = opened
  await journal.write('/a/x', bytes('x'), { parents: true })
  await journal.write('/a/in/y', bytes('y'), { parents: true })
  await journal.write('/b/z', bytes('z'), { parents: true })
  if (options.checkpoint === true) await journal.checkpoint()
  return { ...opened, journal, disk, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

each('nobody else sees what a transaction changes before it commits, and then everybody does', async () => {
  await using opened = await someFiles({ checkpoint: true })
  const { journal, disk } = opened
  const before = await treeOf(journal)
  const transaction = journal.begin({ name: 'mine' })
  await transaction.write('/a/new', bytes('new'))
  await transaction.append('/a/x', bytes(' and more'))
  await transaction.mv('/a/in', '/b/in')
  await transaction.write('/b/in/deep/w', bytes('w'), { parents: true })
  await transaction.cp('/b', '/c')
  await transaction.rm('/b/z')
  expect(await treeOf(journal)).toEqual(before)
  const wanted = new Map([
    ['/a/', ''],
    ['/a/new', 'new'],
    ['/a/x', 'x and more'],
    ['/b/', ''],
    ['/b/in/', ''],
    ['/b/in/deep/', ''],
    ['/b/in/deep/w', 'w'],
    ['/b/in/y', 'y'],
    ['/c/', ''],
    ['/c/in/', ''],
    ['/c/in/deep/', ''],
    ['/c/in/deep/w', 'w'],
    ['/c/in/y', 'y'],
    ['/c/z', 'z'],
  ])
  expect(sorted(await treeOf(transaction))).toEqual(wanted)
  const { sequence } = journal.stats()
  await transaction.commit()
  expect(sorted(await treeOf(journal))).toEqual(wanted)
  expect(journal.stats().sequence).toBe(sequence + 1)
  expect(transaction.status()).toMatchObject({ name: 'mine', state: 'committed' })
  await expect(transaction.stat('/')).rejects.toMatchObject({ code: 'JOURNAL_TRANSACTION_ENDED' })
  await opened[Symbol.asyncDispose]()
  await using again = await openOn(disk)
  expect(sorted(await treeOf(again.journal))).toEqual(wanted)
})

each('a rollback, and the end of a block, change nothing, and what was stored can go', async () => {
  await using opened = await someFiles()
  const { journal, blocks } = opened
  const before = await treeOf(journal)
  {
    await using transaction = journal.begin()
    await transaction.write('/a/x', bytes('other'))
    const { cid } = await transaction.stat('/a/x')
    await blocks.collect()
    expect(await textOf(transaction, '/a/x')).toBe('other')
    await transaction.rollback()
    await blocks.collect()
    expect(await blocks.has(cid!)).toBe(false)
  }
  {
    await using transaction = journal.begin()
    await transaction.rm('/a', { recursive: true })
  }
  expect(await treeOf(journal)).toEqual(before)
  expect(journal.transactions().map(({ state }) => state)).toEqual(['rolled-back', 'rolled-back'])
})

each(
  'what a transaction has used and somebody else has changed is a conflict that names the path',
  async () => {
    const uses: Record<string, (files: Files) => Promise<unknown>> = {
      'a read': (files) => files.stat('/a/x'),
      'a write': (files) => files.write('/a/x', bytes('1')),
      'a change': (files) => files.append('/a/x', bytes('1')),
      'a list': (files) => files.ls('/a'),
      'a copy of its folder': (files) => files.cp('/a', '/copy'),
      'a removal of its folder': (files) => files.rm('/a', { recursive: true }),
      'a move of its folder': (files) => files.mv('/a', '/moved'),
    }
    const changes: Record<string, (files: Files) => Promise<unknown>> = {
      'a write': (files) => files.write('/a/x', bytes('2')),
      'a removal': (files) => files.rm('/a/x'),
      'a move': (files) => files.mv('/a/x', '/b/x'),
      'a removal of its folder': (files) => files.rm('/a', { recursive: true }),
    }
    for (const [used, use] of Object.entries(uses)) {
      for (const [changed, change] of Object.entries(changes)) {
        await using opened = await someFiles()
        const { journal } = opened
        await using transaction = journal.begin()
        await use(transaction)
        await change(journal)
        const after = await treeOf(journal)
        await expect(transaction.commit(), `${used}, then ${changed}`).rejects.toMatchObject({
          code: 'JOURNAL_CONFLICT',
          message: expect.stringContaining('/a'),
        })
        expect(transaction.status().conflict).toMatch(/^\/a/)
        expect(await treeOf(journal)).toEqual(after)
      }
    }
  },
)

each('what others change beside it is no conflict, and is seen', async () => {
  await using opened = await someFiles({ checkpoint: true })
  const { journal } = opened
  await using transaction = journal.begin()
  await transaction.write('/a/new', bytes('new'))
  await transaction.append('/a/in/y', bytes('!'))
  await journal.write('/a/x', bytes('changed'))
  await journal.write('/a/in/other', bytes('other'))
  await journal.checkpoint()
  expect(await textOf(transaction, '/a/x')).toBe('changed')
  const { entries } = await transaction.ls('/a/in')
  expect(entries.map(({ name }) => name)).toEqual(['other', 'y'])
  await transaction.commit()
  expect(await textOf(journal, '/a/in/y')).toBe('y!')
  expect(await textOf(journal, '/a/in/other')).toBe('other')
  expect(await textOf(journal, '/a/new')).toBe('new')
})

each('of two transactions that change the same the first to commit wins; others both do', async () => {
  await using opened = await someFiles()
  const { journal } = opened
  const counts = await Promise.all(
    ['/a/x', '/a/x', '/b/z'].map(async (path) => {
      const transaction = journal.begin()
      try {
        await transaction.append(path, bytes('+'))
        await transaction.commit()
        return 'committed'
      } catch (error) {
        return (error as { code: string }).code
      }
    }),
  )
  expect(counts.toSorted()).toEqual(['JOURNAL_CONFLICT', 'committed', 'committed'])
  expect(await textOf(journal, '/a/x')).toBe('x+')
  expect(await textOf(journal, '/b/z')).toBe('z+')
})

each('one that is left open expires, is rolled back and reported; its blocks can go', async () => {
  await using opened = await someFiles()
  const { journal, blocks } = opened
  const transaction = journal.begin({ name: 'forgotten', timeoutMs: 1000 })
  await transaction.write('/a/x', bytes('never'))
  const { cid } = await transaction.stat('/a/x')
  await sleep(1001)
  await expect(transaction.commit()).rejects.toMatchObject({ code: 'JOURNAL_TRANSACTION_ENDED' })
  expect(journal.transactions()).toMatchObject([{ name: 'forgotten', state: 'expired', steps: 1 }])
  expect(await textOf(journal, '/a/x')).toBe('x')
  await blocks.collect()
  expect(await blocks.has(cid!)).toBe(false)
})

each('increments in transactions that are tried again lose none', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk, { checkpointChanges: 5 })
  const { journal, blocks } = opened
  await journal.write('/n', bytes('0'))
  const increment = async (): Promise<void> => {
    for (;;) {
      await using transaction = journal.begin()
      try {
        const count = Number(await textOf(transaction, '/n'))
        await transaction.write('/n', bytes(String(count + 1)))
        await transaction.write(`/log/${count + 1}`, bytes('.'), { parents: true })
        await transaction.commit()
        return
      } catch (error) {
        if ((error as { code?: string }).code !== 'JOURNAL_CONFLICT') throw error
      }
    }
  }
  await taskGroup((group) => {
    for (let nth = 0; nth < 8; nth += 1) group.spawn(increment)
    group.spawn(async () => {
      for (let times = 0; times < 3; times += 1) await blocks.collect()
    })
  })
  expect(await textOf(journal, '/n')).toBe('8')
  expect((await journal.ls('/log')).entries).toHaveLength(8)
})

each('a full volume in the middle rolls back, and what was there stays', async () => {
  await using opened = await someFiles()
  const { journal, disk } = opened
  const name = 'long'.repeat(200)
  for (let nth = 0; nth < 20; nth += 1) await journal.mkdir(`/${name}${nth}`)
  const before = await treeOf(journal)
  const transaction = journal.begin()
  await transaction.write('/a/x', bytes('other'))
  // More than what is left of the segment that the log has on the disk.
  for (let nth = 20; nth < 80; nth += 1) await transaction.mkdir(`/${name}${nth}`)
  disk.setFaults({ capacityBytes: disk.stats().usedBytes })
  await expect(transaction.commit()).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  expect(transaction.status().state).toBe('rolled-back')
  expect(await treeOf(journal)).toEqual(before)
  disk.setFaults({})
  await journal.write('/after', bytes('after'))
  expect(await textOf(journal, '/after')).toBe('after')
})

test('a transaction that no record holds is refused at the call that is too much', async () => {
  await using opened = await someFiles()
  const transaction = opened.journal.begin()
  const name = 'n'.repeat(1000)
  const all = async () => {
    for (let nth = 0; nth < 100; nth += 1) await transaction.mkdir(`/${name}${nth}`)
  }
  await expect(all()).rejects.toMatchObject({ code: 'JOURNAL_TOO_LARGE' })
  await transaction.commit()
  expect(transaction.status().steps).toBeGreaterThan(50)
})

test('so many can be open and no more; the close of the journal rolls them back', async () => {
  await using opened = await someFiles()
  const { journal } = opened
  const transactions = Array.from({ length: 1000 }, () => journal.begin())
  expect(() => journal.begin()).toThrow(
    expect.objectContaining({ code: 'JOURNAL_TOO_MANY_TRANSACTIONS' }) as Error,
  )
  expect(journal.transaction(transactions[0]!.id)).toBe(transactions[0])
  expect(() => journal.transaction('other')).toThrow(
    expect.objectContaining({ code: 'JOURNAL_TRANSACTION_UNKNOWN' }) as Error,
  )
  expect(() => journal.begin({ timeoutMs: Number.NaN })).toThrow(RangeError)
  await journal.close()
  expect(transactions[0]!.status().state).toBe('rolled-back')
  expect(() => journal.begin()).toThrow(expect.objectContaining({ code: 'JOURNAL_CLOSED' }) as Error)
})

function sorted(tree: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...tree].toSorted(([left], [right]) => (left < right ? -1 : 1)))
}
