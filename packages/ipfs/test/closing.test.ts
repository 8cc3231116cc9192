import { type AddEntry, type Ipfs } from '@ipfs-kit/ipfs'
import { describe, expect, it } from 'vitest'
import { pieces } from './cars.ts'
import { absent } from './nodes.ts'
import {
  added,
  addFile,
  concat,
  drain,
  expectNothingKept,
  opened,
  pattern,
  read,
  rejection,
  stalled,
} from './opened.ts'

const closed = expect.objectContaining({ code: 'IPFS_CLOSED', kind: 'temporary' })

it('ends an add that waits for its content, and keeps nothing of it', async () => {
  const { ipfs, path } = await opened()
  const source = stalled(pattern(3_000_000))
  const adding = rejection(added(ipfs, [{ path: 'a', content: source.content }]))
  await source.reached
  await ipfs.close()
  expect(await adding).toEqual(closed)
  expect(source.left).toBe(true)
  await expectNothingKept((await opened({ path })).ipfs)
})

it('ends an add that waits for its reader: the reader gets IPFS_CLOSED, not an end', async () => {
  const { ipfs, path } = await opened()
  const entries = Array.from({ length: 100 }, (_, at): AddEntry => ({
    path: `d/${at}`,
    content: pattern(100, at),
  }))
  const lines = ipfs.files.add(entries)
  await lines.next()
  await ipfs.close()
  expect(await rejection(lines.next())).toEqual(closed)
  expect((await lines.next()).done).toBe(true)
  await expectNothingKept((await opened({ path })).ipfs)
})

it('ends an import that waits for its source', async () => {
  const { ipfs, path } = await opened()
  const { ipfs: other } = await opened()
  const cid = await addFile(other, pattern(1000), { chunkBytes: 100 })
  const archive = await concat(await other.car.export(cid.toString()))
  const source = stalled(archive.subarray(0, 500))
  const importing = rejection(ipfs.car.import(source.content))
  await source.reached
  await ipfs.close()
  expect(await importing).toEqual(closed)
  expect(source.left).toBe(true)
  await expectNothingKept((await opened({ path })).ipfs)
})

describe('a stream that is cut off does not look as if it had ended:', () => {
  it.each<[what: string, open: (ipfs: Ipfs, path: string) => Promise<AsyncIterable<unknown>>]>([
    ['cat', async (ipfs, path) => (await ipfs.files.cat(`${path}/big`)).body],
    ['tar', (ipfs, path) => ipfs.files.tar(path)],
    ['ls', async (ipfs, path) => ipfs.files.ls(path)],
    ['export', (ipfs, path) => ipfs.car.export(path)],
    ['pins.ls', async (ipfs) => ipfs.pins.ls()],
  ])('%s', async (_what, open) => {
    const { ipfs } = await opened()
    const { cid } = await added(
      ipfs,
      [
        { path: 'd/big', content: pattern(500_000) },
        { path: 'd/other', content: pattern(10) },
      ],
      { chunkBytes: 10_000 },
    )
    await addFile(ipfs, 'another pin')
    const stream = (await open(ipfs, cid.toString()))[Symbol.asyncIterator]()
    expect((await stream.next()).done).toBe(false)
    await ipfs.close()
    expect(await rejection(stream.next())).toEqual(closed)
    expect((await stream.next()).done).toBe(true)
  })
})

it('a stream that was read to its end stays ended', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, 'short')
  const body = (await ipfs.files.cat(cid.toString())).body[Symbol.asyncIterator]()
  await body.next()
  expect((await body.next()).done).toBe(true)
  await ipfs.close()
  expect((await body.next()).done).toBe(true)
})

it('ends collections, walks and reads that run', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, pattern(2000), { chunkBytes: 10 })
  const running = [
    ipfs.repo.gc(),
    drain(ipfs.pins.add(cid)),
    read(ipfs, cid),
    ipfs.car.export(cid.toString()).then(concat),
    ipfs.pins.isPinned(absent),
  ].map(rejection)
  await ipfs.close()
  for (const error of await Promise.all(running)) expect(error).toEqual(closed)
})

it('refuses every call after it', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, 'a')
  const name = cid.toString()
  const { body } = await ipfs.files.cat(name)
  const listing = ipfs.files.ls(name)
  await ipfs.close()
  for (const call of [
    () => added(ipfs, [{ path: 'a', content: pattern(10) }]),
    () => ipfs.files.cat(name),
    () => ipfs.files.tar(name),
    () => drain(ipfs.files.ls(name)),
    () => ipfs.files.stat(name),
    () => ipfs.files.resolve(name),
    () => drain(ipfs.pins.add(cid)),
    () => drain(ipfs.pins.rm(cid)),
    () => drain(ipfs.pins.ls()),
    () => ipfs.pins.get(cid),
    () => ipfs.pins.isPinned(cid),
    () => ipfs.pins.setMetadata(cid, {}),
    () => ipfs.car.export(name),
    () => ipfs.car.import(pieces(new Uint8Array())),
    () => ipfs.dag.get(name),
    () => ipfs.dag.put({}),
    () => ipfs.blocks.get(cid),
    () => ipfs.blocks.put(pattern(1)),
    () => ipfs.blocks.stat(cid),
    () => ipfs.repo.stat(),
    () => ipfs.repo.gc(),
    () => ipfs.blockstore.put(cid, pattern(1)),
    () => ipfs.blockstore.has(cid),
    () => ipfs.blockstore.delete(cid),
    () => drain(ipfs.blockstore.get(cid) as AsyncIterable<unknown>),
    () => drain(ipfs.blockstore.getAll() as AsyncIterable<unknown>),
    () => drain(body),
    () => drain(listing),
  ]) {
    expect(await rejection(Promise.resolve(call()))).toEqual(closed)
  }
})

it('may be asked for twice, also at once', async () => {
  const { ipfs } = await opened()
  await addFile(ipfs, 'a')
  await Promise.all([ipfs.close(), ipfs.close()])
  await ipfs.close()
  await ipfs[Symbol.asyncDispose]()
})

it('gives a frozen snapshot of its counts', async () => {
  const { ipfs } = await opened()
  const before = ipfs.stats()
  const cid = await addFile(ipfs, 'a')
  await read(ipfs, cid)
  expect(before).toEqual({
    blocksRead: 0,
    blocksWritten: 0,
    bytesRead: 0,
    bytesWritten: 0,
    corruptReads: 0,
    openLeases: 0,
  })
  expect(Object.isFrozen(before)).toBe(true)
  expect(ipfs.stats()).toMatchObject({ blocksRead: 1, bytesRead: 1, openLeases: 0 })
})
