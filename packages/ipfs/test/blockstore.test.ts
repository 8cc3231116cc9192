import type { Blockstore } from 'interface-blockstore'
import { importer } from 'ipfs-unixfs-importer'
import { exporter } from 'ipfs-unixfs-exporter'
import { expect, it } from 'vitest'
import { absent, cidOf } from './nodes.ts'
import { added, addFile, all, bytesOf, concat, opened, pattern, rejection, stalled } from './opened.ts'

it("serves the ecosystem's importer and exporter", async () => {
  const { ipfs } = await opened()
  const store: Blockstore = ipfs.blockstore
  const content = pattern(3_000_000)
  const [file] = await all(importer([{ content }], store, { profile: 'unixfs-v1-2025' }))
  expect(file?.cid.toString()).toBe((await addFile((await opened()).ipfs, content)).toString())
  const entry = await exporter(file!.cid, store)
  if (entry.type === 'directory' || entry.type === 'object' || entry.type === 'identity')
    throw new Error(entry.type)
  expect((await concat(entry.content())).equals(content)).toBe(true)
  expect((await ipfs.repo.gc()).removedBlocks).toBe(4)
})

it('puts, has, gets, lists and deletes, one or many', async () => {
  const { ipfs } = await opened()
  const blocks = Array.from({ length: 5 }, (_, at) => ({
    cid: cidOf(pattern(10, at + 1)),
    bytes: pattern(10, at + 1),
  }))
  const store = ipfs.blockstore
  expect((await all(store.putMany(blocks) as AsyncIterable<unknown>)).length).toBe(5)
  await store.put(cidOf(bytesOf('a stream')), stream('a ', 'stream'))
  expect(await store.has(blocks[0]!.cid)).toBe(true)
  expect(await store.has(absent)).toBe(false)
  const cids = blocks.map((block) => block.cid)
  for await (const { cid, bytes } of store.getMany(cids)) {
    const wanted = blocks.find((block) => block.cid.equals(cid))?.bytes ?? new Uint8Array()
    expect((await concat(bytes as AsyncIterable<Uint8Array>)).equals(wanted)).toBe(true)
  }
  expect(
    (await all(store.getAll() as AsyncIterable<{ cid: unknown }>)).map((pair) => String(pair.cid)).toSorted(),
  ).toEqual([...cids, cidOf(bytesOf('a stream'))].map(String).toSorted())
  await all(store.deleteMany(cids) as AsyncIterable<unknown>)
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 1 })
  await store.delete(absent)
})

async function* stream(...parts: string[]) {
  for (const part of parts) yield bytesOf(part)
}

it('says what was tried for a block that is not here', async () => {
  const { ipfs } = await opened()
  expect(await rejection(concat(ipfs.blockstore.get(absent) as AsyncIterable<Uint8Array>))).toMatchObject({
    code: 'IPFS_BLOCK_NOT_FOUND',
  })
})

it('does not delete what a running add holds', async () => {
  const { ipfs } = await opened()
  const content = pattern(1_048_576)
  const source = stalled(content, content)
  const abort = new AbortController()
  const adding = rejection(added(ipfs, [{ path: 'a', content: source.content }], { signal: abort.signal }))
  await source.reached
  while (ipfs.stats().blocksWritten === 0) await new Promise(setImmediate)
  await ipfs.blockstore.delete(cidOf(content))
  expect(await ipfs.blockstore.has(cidOf(content))).toBe(true)
  abort.abort()
  await adding
  await ipfs.blockstore.delete(cidOf(content))
  expect(await ipfs.blockstore.has(cidOf(content))).toBe(false)
})

it('heeds the signal', async () => {
  const { ipfs } = await opened()
  const cid = await addFile(ipfs, 'a')
  const signal = AbortSignal.abort('enough')
  const store = ipfs.blockstore
  for (const call of [
    () => store.put(cid, bytesOf('a'), { signal }),
    () => store.has(cid, { signal }),
    () => store.delete(cid, { signal }),
    () => all(store.get(cid, { signal }) as AsyncIterable<unknown>),
    () => all(store.getAll({ signal }) as AsyncIterable<unknown>),
  ]) {
    expect(await rejection(Promise.resolve(call()))).toBe('enough')
  }
})
