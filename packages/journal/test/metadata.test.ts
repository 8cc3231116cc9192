import { createOwner } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import type { Files } from '@ipfs-kit/journal'
import { buildFile, editFolder } from '@ipfs-kit/ipfs/unixfs'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'
import { putNode } from './put-node.ts'
import { textOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 5 })
const bytes = (text: string) => Buffer.from(text)
const then = { secs: 1_000_000_000n, nsecs: 5 }
const later = { secs: 4_000_000_000n }

async function metadataOf(files: Files, path: string) {
  const { mode, mtime } = await files.stat(path)
  return { mode, mtime }
}

each(
  'mode and time of files and folders are there again after a checkpoint, and after a recovery',
  async () => {
    const disk = simDisk({ seed: 1 })
    const check = async (files: Files) => {
      expect(await metadataOf(files, '/')).toEqual({ mode: 0o711, mtime: then })
      expect(await metadataOf(files, '/d')).toEqual({ mode: 0o700, mtime: later })
      expect(await metadataOf(files, '/d/f')).toEqual({ mode: 0o600, mtime: then })
      expect(await metadataOf(files, '/d/plain')).toEqual({ mode: undefined, mtime: undefined })
      expect(await textOf(files, '/d/f')).toBe('f')
    }
    {
      await using opened = await openOn(disk)
      const { journal } = opened
      await journal.write('/d/f', bytes('f'), { parents: true, mode: 0o640, mtime: then })
      await journal.write('/d/plain', bytes('plain'))
      await journal.checkpoint()
      await journal.setMetadata('/d/f', { mode: 0o600 })
      await journal.setMetadata('/d', { mode: 0o700, mtime: then })
      await journal.setMetadata('/d', { mtime: later })
      await journal.setMetadata('/', { mode: 0o711, mtime: then })
      await check(journal)
    }
    {
      await using opened = await openOn(disk)
      expect(opened.journal.recovery.changes).toBe(4)
      await check(opened.journal)
      await opened.journal.checkpoint()
      await check(opened.journal)
      await opened.journal.setMetadata('/d', {})
      expect(opened.journal.stats().changesSinceCheckpoint).toBe(0)
    }
    await using opened = await openOn(disk)
    await check(opened.journal)
  },
)

each('mode and time are taken away, and what is left is as if there had been none', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal, blocks } = opened
  await journal.write('/d/f', bytes('f'), { parents: true, mode: 0o600, mtime: then })
  await journal.setMetadata('/d', { mode: 0o700, mtime: then })
  await journal.checkpoint()
  for (const path of ['/d', '/d/f']) await journal.setMetadata(path, { mode: null, mtime: null })
  expect(await metadataOf(journal, '/d')).toEqual({ mode: 0o755, mtime: undefined })
  expect(await metadataOf(journal, '/d/f')).toEqual({ mode: undefined, mtime: undefined })
  await using owner = createOwner({ name: 'test' })
  using lease = blocks.lease()
  const put = (cid: Parameters<typeof lease.put>[0], block: Uint8Array) => lease.put(cid, block)
  const get = async () => new Uint8Array()
  const { signal } = new AbortController()
  const f = await buildFile(bytes('f'), { put, owner, signal })
  const d = await editFolder(undefined, new Map([['f', f]]), { get, put, profile: 'unixfs-v1-2025' })
  expect(String(await journal.flush('/d'))).toBe(String(d.cid))
})

each('a change of a file keeps its mode, and sets a time that it has to the clock', async () => {
  let now = 1_700_000_000_250
  await using opened = await openOn(simDisk({ seed: 1 }), { clock: () => now })
  const { journal } = opened
  await journal.write('/timed', bytes('0123456789'), { mode: 0o600, mtime: then })
  await journal.write('/plain', bytes('0123456789'), { mode: 0o600 })
  await journal.append('/timed', bytes(''))
  expect(await metadataOf(journal, '/timed')).toEqual({ mode: 0o600, mtime: then })
  for (const change of [
    (path: string) => journal.append(path, bytes('abc')),
    (path: string) => journal.writeAt(path, 2, bytes('xyz')),
    (path: string) => journal.truncate(path, 4),
  ]) {
    await change('/timed')
    await change('/plain')
    expect(await metadataOf(journal, '/timed')).toEqual({
      mode: 0o600,
      mtime: { secs: BigInt(Math.floor(now / 1000)), nsecs: 250_000_000 },
    })
    expect(await metadataOf(journal, '/plain')).toEqual({ mode: 0o600, mtime: undefined })
    now += 1000
  }
  expect(await textOf(journal, '/timed')).toBe('01xy')
  await journal.write('/timed', bytes('new'))
  expect(await metadataOf(journal, '/timed')).toEqual({ mode: undefined, mtime: undefined })
})

each('a transaction sets mode and time for itself until it commits', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk)
    const { journal } = opened
    await journal.write('/a/in/f', bytes('f'), { parents: true })
    await journal.checkpoint()
    const transaction = journal.begin()
    await transaction.setMetadata('/a/in', { mode: 0o700 })
    await transaction.setMetadata('/a', { mtime: then })
    await transaction.setMetadata('/a/in', { mtime: later })
    await transaction.setMetadata('/a/in/f', { mode: 0o600 })
    await transaction.cp('/a', '/copy')
    await transaction.setMetadata('/copy/in', { mode: null })
    expect(await metadataOf(transaction, '/a/in')).toEqual({ mode: 0o700, mtime: later })
    expect(await metadataOf(transaction, '/copy/in')).toEqual({ mode: 0o755, mtime: later })
    expect(await metadataOf(journal, '/a/in')).toEqual({ mode: 0o755, mtime: undefined })
    await transaction.commit()
  }
  await using opened = await openOn(disk)
  for (const round of ['recovered', 'written']) {
    const { journal } = opened
    if (round === 'written') await journal.checkpoint()
    expect(await metadataOf(journal, '/a')).toEqual({ mode: 0o755, mtime: then })
    expect(await metadataOf(journal, '/a/in')).toEqual({ mode: 0o700, mtime: later })
    expect(await metadataOf(journal, '/copy')).toEqual({ mode: 0o755, mtime: then })
    expect(await metadataOf(journal, '/copy/in')).toEqual({ mode: 0o755, mtime: later })
    expect(await metadataOf(journal, '/copy/in/f')).toEqual({ mode: 0o600, mtime: undefined })
  }
})

each(
  'a transaction is in conflict with metadata of what it used, and sees those of what it did not',
  async () => {
    await using opened = await openOn(simDisk({ seed: 1 }))
    const { journal } = opened
    await journal.mkdir('/a/in', { parents: true })
    const writer = journal.begin()
    await writer.write('/new', bytes('new'))
    await journal.setMetadata('/', { mode: 0o700 })
    expect(await metadataOf(writer, '/')).toEqual({ mode: 0o700, mtime: undefined })
    await journal.setMetadata('/a/in', { mode: 0o700 })
    await writer.commit()
    const reader = journal.begin()
    await reader.stat('/a/in')
    await journal.setMetadata('/a/in', { mtime: then })
    await expect(reader.commit()).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' })
  },
)

each('metadata that cannot be, or of what has none, are refused', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.write('/f', bytes('f'))
  for (const given of [
    { mode: -1 },
    { mode: 0o10000 },
    { mtime: { secs: 2n ** 63n } },
    { mtime: { secs: 0n, nsecs: -1 } },
  ]) {
    await expect(journal.setMetadata('/f', given)).rejects.toThrow(RangeError)
    await expect(journal.setMetadata('/', given)).rejects.toThrow(RangeError)
    await expect(journal.write('/g', bytes('g'), given)).rejects.toThrow(RangeError)
  }
  await expect(journal.setMetadata('/g', { mode: 0 })).rejects.toMatchObject({ code: 'JOURNAL_NOT_FOUND' })
})

each('a symbolic link has none, and is not written over', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  // UnixFS: field 1 type 4 (`Symlink`), field 2 a byte.
  await journal.put('/link', await putNode(opened.blocks, [0x08, 4, 0x12, 1, 0x66]))
  for (const refused of [
    journal.setMetadata('/link', { mode: 0 }),
    journal.write('/link', bytes('f')),
    journal.append('/link', bytes('f')),
  ])
    await expect(refused).rejects.toMatchObject({ code: 'JOURNAL_NOT_A_FILE' })
  expect(await journal.stat('/link')).toMatchObject({ kind: 'symlink' })
})

each('metadata of somebody else are shown as they are', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  // UnixFS: field 1 type 2, field 3 size 0, field 8 time, in it field 1 a second and field 2 2^31 nanoseconds.
  const file = [0x08, 2, 0x18, 0, 0x42, 7, 0x08, 1, 0x15, 0, 0, 0, 0x80]
  await journal.put('/f', await putNode(opened.blocks, file))
  expect(await journal.stat('/f')).toMatchObject({ mtime: { secs: 1n, nsecs: 2 ** 31 } })
  await journal.setMetadata('/f', { mode: 0o600 })
  expect(await journal.stat('/f')).toMatchObject({ mode: 0o600, mtime: { secs: 1n, nsecs: 2 ** 31 } })
})
