import { createCaller, type AnyOperation, type BytesResult, type TableOf } from '@ipfs-kit/operations'
import { type Ipfs } from '@ipfs-kit/ipfs'
import { ipfsOperations } from '@ipfs-kit/ipfs/operations'
import type { z } from 'zod'
import { describe, expect, it } from 'vitest'
import { absent, putNode } from './nodes.ts'
import { all, bytesOf, concat, opened, pattern, rejection } from './opened.ts'

/** A caller over a node; it checks each answer against the schema of its operation. */
function callerOf(ipfs: Ipfs) {
  const caller = createCaller<TableOf<typeof ipfsOperations>>({
    operations: ipfsOperations as readonly AnyOperation[],
    borrow: () => ({ parts: { ipfs }, signal: new AbortController().signal, release: () => {} }),
  })
  const check = (name: string, value: unknown): unknown => {
    const [entry] = ipfsOperations.filter((operation) => operation.name === name)
    return (entry as { output: z.ZodType }).output.parse(value)
  }
  const value = async (name: string, input: object, options?: object) =>
    check(name, await caller.callAs('test', name, input, options)) as any
  const lines = async (name: string, input: object, options?: object) => {
    const answer = (await caller.callAs('test', name, input, options)) as AsyncIterable<unknown>
    return (await all(answer)).map((line) => check(name, line)) as any[]
  }
  const bytes = async (name: string, input: object, options?: object) => {
    const { body, ...head } = (await caller.callAs('test', name, input, options)) as BytesResult
    return { ...head, bytes: await concat(body) }
  }
  return { caller, value, lines, bytes }
}

it('describe a folder whose links state more bytes than a number can hold', async () => {
  const { ipfs } = await opened()
  const { value } = callerOf(ipfs)
  const size = Number.MAX_SAFE_INTEGER
  const links = ['a', 'b'].map((name) => ({ cid: absent, name, size }))
  const cid = await putNode(ipfs, { type: 'directory', links })
  expect(await value('files.stat', { cid: cid.toString() })).toMatchObject({ size, dagSize: size })
})

it('are named <area>.<verb>, need the part ipfs, and have no output beside bytes', () => {
  const names = ipfsOperations.map((operation) => operation.name)
  expect(names.toSorted()).toEqual([
    'block.get',
    'block.put',
    'block.stat',
    'car.export',
    'car.import',
    'dag.get',
    'dag.put',
    'files.add',
    'files.cat',
    'files.get',
    'files.ls',
    'files.stat',
    'pins.add',
    'pins.ls',
    'pins.rm',
    'repo.gc',
    'repo.stat',
  ])
  for (const operation of ipfsOperations) expect(operation.parts).toEqual(['ipfs'])
})

it('add, describe, list, read and archive files', async () => {
  const { ipfs } = await opened()
  const { lines, value, bytes } = callerOf(ipfs)
  const progress: unknown[] = []
  const body = [
    { path: 'd/a', content: pattern(2000) },
    { path: 'd/b', failed: { code: 'EACCES', message: 'may not' } },
    { path: 'd/../c', content: bytesOf('c') },
  ]
  const added = await lines(
    'files.add',
    { name: 'mine' },
    { body, progress: (step: unknown) => progress.push(step) },
  )
  const summary = added.at(-1)
  expect(summary).toEqual({ cid: expect.stringMatching(/^baf/), bytes: 2000, items: 2, failed: 2 })
  expect(added.map((line) => line.path)).toEqual(expect.arrayContaining(['d/a', 'd/b', 'd/../c', 'd']))
  expect(progress.length).toBeGreaterThan(0)
  expect(progress[0]).toMatchObject({ stage: 'adding' })
  const { cid } = summary
  expect(await value('files.stat', { cid: `${cid}/a` })).toMatchObject({ type: 'file', size: 2000 })
  expect((await lines('files.ls', { cid })).map((line) => line.name)).toEqual(['a'])
  const part = await bytes('files.cat', { cid: `${cid}/a`, offset: -10, length: 5 })
  expect(part).toEqual({
    mediaType: 'application/octet-stream',
    size: 5,
    bytes: Buffer.from(pattern(2000).subarray(1990, 1995)),
  })
  const archive = await bytes('files.get', { cid })
  expect([archive.mediaType, archive.bytes.length % 512]).toEqual(['application/x-tar', 0])
})

it('answer a summary without a CID when every file failed', async () => {
  const { ipfs } = await opened()
  const body = [{ path: 'a', failed: { code: 'EACCES', message: 'may not' } }]
  const lines = await callerOf(ipfs).lines('files.add', {}, { body })
  expect(lines.at(-1)).toEqual({ bytes: 0, items: 0, failed: 1 })
})

it('pin, list and unpin by path', async () => {
  const { ipfs } = await opened()
  const { lines, value } = callerOf(ipfs)
  const added = await lines('files.add', { pin: false }, { body: [{ path: 'd/a', content: pattern(100) }] })
  const { cid } = added.at(-1)
  const pin = await value('pins.add', { cid: `${cid}/a`, recursive: false, name: 'a file' })
  expect(pin).toEqual({ cid: added[0].cid, type: 'direct', name: 'a file' })
  await value('pins.add', { cid })
  expect(await lines('pins.ls', {})).toEqual([pin, { cid, type: 'recursive' }])
  expect(await value('pins.rm', { cid })).toEqual({ cid })
  expect(await lines('pins.ls', {})).toEqual([pin])
})

it('export and import archives', async () => {
  const { ipfs } = await opened()
  const { ipfs: other } = await opened()
  const { cid } = (
    await callerOf(ipfs).lines('files.add', {}, { body: [{ path: 'd/a', content: pattern(100) }] })
  ).at(-1)
  const { mediaType, bytes } = await callerOf(ipfs).bytes('car.export', { cid })
  expect(mediaType).toBe('application/vnd.ipld.car')
  const imported = await callerOf(other).value('car.import', { name: 'brought' }, { body: bytes })
  expect(imported).toMatchObject({ roots: [cid], blocks: 2 })
  expect(await callerOf(other).lines('pins.ls', {})).toEqual([{ cid, type: 'recursive', name: 'brought' }])
})

it('store and read nodes and blocks', async () => {
  const { ipfs } = await opened()
  const { value, bytes } = callerOf(ipfs)
  const { cid } = await value('dag.put', { pin: true }, { body: bytesOf('{"a":[1,{"b":"yes"}]}') })
  const node = await bytes('dag.get', { cid })
  expect([node.mediaType, node.bytes.toString(), node.size]).toEqual([
    'application/vnd.ipld.dag-json',
    '{"a":[1,{"b":"yes"}]}',
    21,
  ])
  expect((await bytes('dag.get', { cid: `${cid}/a/1/b` })).bytes.toString()).toBe('"yes"')
  expect((await bytes('dag.get', { cid, codec: 'dag-cbor' })).bytes).toEqual(
    Buffer.from(await ipfs.blocks.get(cid)),
  )
  const block = await value('block.put', {}, { body: pattern(100) })
  expect(block.size).toBe(100)
  expect(await value('block.stat', { cid: block.cid })).toEqual(block)
  expect(await bytes('block.get', { cid: block.cid })).toEqual({
    mediaType: 'application/vnd.ipld.raw',
    size: 100,
    bytes: Buffer.from(pattern(100)),
  })
})

it('count and collect', async () => {
  const { ipfs } = await opened()
  const { value } = callerOf(ipfs)
  await value('block.put', {}, { body: pattern(100) })
  expect(await value('repo.stat', {})).toEqual({
    blocks: 1,
    bytes: 100,
    pins: 0,
    keptBytes: 0,
    cacheBytes: 100,
    deadBytes: 0,
    packBytes: expect.any(Number) as number,
    maxBytes: expect.any(Number) as number,
  })
  const { freedBytes, ...counts } = await value('repo.gc', {})
  expect(counts).toEqual({ removedBlocks: 1, removedBytes: 100, keptBlocks: 0 })
  expect(freedBytes).toBeGreaterThan(100)
})

describe('faults', () => {
  it.each<[name: string, input: object, code: string]>([
    ['files.cat', { cid: 'nonsense' }, 'IPFS_INVALID_CID'],
    ['files.stat', { cid: absent.toString() }, 'IPFS_BLOCK_NOT_FOUND'],
    ['files.get', { cid: `${absent}/..` }, 'IPFS_INVALID_PATH'],
    ['files.cat', { cid: absent.toString(), length: -1 }, 'OPERATION_INVALID_INPUT'],
    ['files.cat', {}, 'OPERATION_INVALID_INPUT'],
    ['pins.rm', { cid: absent.toString() }, 'IPFS_PIN_NOT_FOUND'],
    ['pins.add', { cid: absent.toString(), name: 'x'.repeat(256) }, 'OPERATION_INVALID_INPUT'],
    ['block.get', { cid: `${absent}/a` }, 'IPFS_INVALID_CID'],
    ['dag.get', { cid: absent.toString(), codec: 'json' }, 'OPERATION_INVALID_INPUT'],
  ])('%s %j: %s', async (name, input, code) => {
    const { ipfs } = await opened()
    expect(await rejection(callerOf(ipfs).caller.callAs('test', name, input))).toMatchObject({ code })
  })

  it('of bodies are those of the node', async () => {
    const { ipfs } = await opened()
    const { value } = callerOf(ipfs)
    expect(await rejection(value('dag.put', {}, { body: bytesOf('{') }))).toMatchObject({
      code: 'IPFS_INVALID_NODE',
    })
    expect(await rejection(value('block.put', { codec: 'dag-pb' }, { body: bytesOf('{') }))).toMatchObject({
      code: 'IPFS_INVALID_NODE',
    })
    expect(await rejection(value('block.put', {}, { body: pattern(3_000_000) }))).toMatchObject({
      code: 'IPFS_BLOCK_TOO_LARGE',
    })
    expect(await rejection(value('car.import', {}, { body: bytesOf('no archive') }))).toMatchObject({
      code: 'IPFS_CAR_INVALID',
    })
    async function* endless() {
      for (;;) yield pattern(1_000_000)
    }
    expect(await rejection(value('block.put', {}, { body: endless() }))).toMatchObject({
      code: 'IPFS_BLOCK_TOO_LARGE',
    })
    expect((await ipfs.repo.stat()).blocks).toBe(0)
  })
})
