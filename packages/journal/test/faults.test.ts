import { once } from 'node:events'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type Disk, DiskError, simDisk } from '@ipfs-kit/disk'
import { IpfsError } from '@ipfs-kit/ipfs/unixfs'
import { openJournal, type TreeBlocks } from '@ipfs-kit/journal'
import { openLog } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { textOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 5 })
const bytes = (text: string) => Buffer.from(text)

/** A journal over blocks that are read by another function while one is given. */
async function openOver(options: { get: TreeBlocks['get'] | undefined }) {
  await using opening = new AsyncDisposableStack()
  const disk = simDisk({ seed: 1, faults: { latencyMs: 1 } })
  const { blocks } = opening.use(await openOn(disk))
  const between: TreeBlocks = {
    get: (cid, given) => (options.get === undefined ? blocks.get(cid, given) : options.get(cid, given)),
    noteRetained: (roots) => {
      blocks.noteRetained(roots)
    },
    lease: (given) => blocks.lease(given),
  }
  const open = () => openJournal({ path: '/other', disk, blocks: between, folderMemoryBytes: 0 })
  let journal = await open()
  await journal.write('/d/in/f', bytes('f'), { parents: true })
  await journal.write('/f', bytes('f'), { mode: 0o600 })
  await journal.mkdir('/empty')
  await journal.checkpoint()
  // With nothing in memory.
  await journal.close()
  journal = opening.use(await open())
  const resources = opening.move()
  return { journal, disk, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

each('every wait for blocks ends with the signal, and with its reason', async () => {
  const options: Parameters<typeof openOver>[0] = { get: undefined }
  await using opened = await openOver(options)
  const { journal } = opened
  let asked = Promise.withResolvers<void>()
  options.get = async (_, { signal } = {}) => {
    asked.resolve()
    if (signal === undefined) throw new Error('nobody can end this wait')
    await once(signal, 'abort')
    throw signal.reason
  }
  const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => journal.stat('/f', { signal }),
    (signal) => journal.ls('/', { signal }),
    (signal) => journal.ls('/', { long: true, recursive: true, signal }),
    (signal) => journal.mkdir('/d/in/new', { signal }),
    (signal) => journal.write('/d/f', bytes('f'), { signal }),
    (signal) => journal.append('/f', bytes('f'), { signal }),
    (signal) => journal.setMetadata('/f', { mode: 0 }, { signal }),
    (signal) => textOf(journal, '/f', { signal }),
    (signal) => journal.rm('/empty', { signal }),
    (signal) => journal.mv('/f', '/empty/f', { signal }),
    (signal) => journal.cp('/f', '/g', { signal }),
    (signal) => journal.flush('/d', { signal }),
    (signal) => journal.begin().stat('/f', { signal }),
  ]
  for (const call of calls) {
    const over = new AbortController()
    asked = Promise.withResolvers()
    const outcome = Promise.allSettled([call(over.signal)])
    await asked.promise
    const reason = new Error('enough')
    over.abort(reason)
    expect(await outcome).toEqual([{ status: 'rejected', reason }])
  }
  options.get = undefined
  // The block that tells whether a folder is empty is another one than that which leads to it.
  await journal.stat('/empty')
  let seen = 0
  options.get = async (cid, { signal } = {}) => {
    seen += 1
    if (signal === undefined) throw new Error(`nobody can end the wait for ${cid}`)
    throw new IpfsError('IPFS_INVALID_NODE', 'torn')
  }
  await expect(journal.rm('/empty', { signal: new AbortController().signal })).rejects.toMatchObject({
    code: 'JOURNAL_INVALID_DAG',
  })
  expect(seen).toBe(1)
})

each('a wait for a recovery ends with the signal, and the recovery goes on', async () => {
  const options: Parameters<typeof openOver>[0] = { get: undefined }
  await using opened = await openOver(options)
  const { journal, disk } = opened
  disk.failAt('write', 1, 'ENOSPC')
  await expect(journal.mkdir('/x')).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  const over = new AbortController()
  const outcome = Promise.allSettled([journal.stat('/', { signal: over.signal }), journal.stat('/')])
  over.abort(new Error('enough'))
  const [ended, goesOn] = await outcome
  expect(ended).toEqual({ status: 'rejected', reason: over.signal.reason })
  expect(goesOn).toMatchObject({ status: 'fulfilled', value: { kind: 'directory' } })
})

each('what the disk and the DAGs fail with has a code of the journal, and the cause', async () => {
  const options: Parameters<typeof openOver>[0] = { get: undefined }
  await using opened = await openOver(options)
  const { journal } = opened
  for (const [cause, code] of [
    [new DiskError('DISK_IO', 'the device failed'), 'JOURNAL_STORE_FAILED'],
    [new DiskError('DISK_FULL', 'no room'), 'JOURNAL_FULL'],
    [new IpfsError('IPFS_INVALID_NODE', 'torn'), 'JOURNAL_INVALID_DAG'],
  ] as const) {
    options.get = async () => {
      throw cause
    }
    for (const refused of [
      journal.stat('/f'),
      journal.ls('/'),
      journal.mkdir('/d/new'),
      journal.append('/f', bytes('f')),
      textOf(journal, '/f'),
      journal.flush('/f'),
    ])
      await expect(refused).rejects.toMatchObject({ name: 'JournalError', code })
  }
})

each('what a content throws passes through, even if it is an error of ours', async () => {
  await using opened = await openOver({ get: undefined })
  const { journal } = opened
  for (const failure of [new DiskError('DISK_IO', 'their disk'), new Error('torn'), 'a word']) {
    const content = async function* () {
      yield bytes('some')
      // oxlint-disable-next-line typescript/only-throw-error -- a caller may
      throw failure
    }
    for (const refused of [journal.write('/new', content()), journal.append('/f', content())]) {
      const [outcome] = await Promise.allSettled([refused])
      expect(outcome).toEqual({ status: 'rejected', reason: failure })
    }
  }
  expect(await textOf(journal, '/f')).toBe('f')
})

each('an opening that fails says why, whatever the closing after that fails with', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  {
    await using log = await openLog({ path: '/other', disk, segmentBytes: 65_536 })
    await log.append(Buffer.from([2, 1, 0xa0]))
  }
  const closesBadly: Disk = {
    ...disk,
    async lock(path) {
      const held = await disk.lock(path)
      const close = async (): Promise<void> => {
        await held.close()
        throw new DiskError('DISK_IO', 'the device failed')
      }
      return { close }
    },
  }
  const opening = openJournal({ path: '/other', disk: closesBadly, blocks: opened.blocks })
  await expect(opening).rejects.toMatchObject({ name: 'JournalError', code: 'JOURNAL_FORMAT_TOO_NEW' })
})
