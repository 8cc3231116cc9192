import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EntryReadError } from '@ipfs-kit/operations'
import type { FileEntry, TableOf } from '@ipfs-kit/operations'
import { createClient } from '@ipfs-kit/client'
import type { ClientFileEntry } from '@ipfs-kit/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serve } from './server.ts'
import {
  collect,
  events,
  failingAfter,
  failingWhenRead,
  reasonOf,
  sha256,
  streamOf,
  table,
  text,
} from './upload-table.ts'

describe('files', () => {
  const files: readonly ClientFileEntry[] = [
    { path: 'a.txt', content: text('a') },
    { path: 'dir/ü — 文.txt', content: new Uint8Array(5_000).fill(3) },
    { path: 'dir/empty', content: new Uint8Array() },
    { path: 'folder' },
    { path: 'unreadable', failed: { code: 'EACCES', message: 'not "yours"\r\n' } },
    {
      path: 'large',
      content: streamOf(new Uint8Array(2_000_000).fill(1), new Uint8Array(2_000_000).fill(2)),
    },
    { path: 'last', content: streamOf(text('la'), text('st')) },
  ]
  const expected = [
    { path: 'a.txt', kind: 'file', sha256: sha256(text('a')) },
    { path: 'dir/ü — 文.txt', kind: 'file', size: 5_000 },
    { path: 'dir/empty', kind: 'file', size: 0 },
    { path: 'folder', kind: 'folder' },
    { path: 'unreadable', kind: 'failed', failed: 'EACCES: not "yours"\r\n' },
    {
      path: 'large',
      kind: 'file',
      size: 4_000_000,
      sha256: sha256(new Uint8Array(2_000_000).fill(1), new Uint8Array(2_000_000).fill(2)),
    },
    { path: 'last', kind: 'file', sha256: sha256(text('last')) },
  ]

  test('arrive one after the other', async () => {
    const { client } = await serve(table)
    expect(
      await collect(await client.call('files.list', { note: 'x' }, { body: streamOf(...files) })),
    ).toMatchObject(expected)
  })

  test('arrive with every name that a file can have', async () => {
    const { client } = await serve(table)
    const paths = [
      '"',
      '%22',
      '%',
      'a\nb',
      'a\r\nb',
      "it's",
      'a; filename="b"',
      "x; filename*=UTF-8''y",
      '\\',
      'a\\b',
      ' ',
      '🙂',
      'C:',
      '~',
      '*',
      'a\tb',
      '%0D',
    ]
    const usable = paths.filter((path) => !path.endsWith('\\'))
    for (const content of [() => text('x'), () => new Blob(['x'])]) {
      const body = usable.map((path) => ({ path, content: content() }))
      expect((await collect(await client.call('files.list', {}, { body }))).map(({ path }) => path)).toEqual(
        usable,
      )
    }
    for (const path of usable) {
      const body = [{ path, content: text('x') }]
      expect(await collect(await client.call('files.list', {}, { body }))).toMatchObject([{ path, size: 1 }])
    }
  })

  test('arrive raw when there is one, and none when there is none', async () => {
    const types: unknown[] = []
    const { app, client } = await serve(table)
    app.server.on('request', ({ headers }) => types.push(headers['content-type']?.split(';')[0]))
    for (const content of [text('x'), new Blob(['x']), streamOf(text('x'))]) {
      expect(
        await collect(await client.call('files.list', {}, { body: [{ path: 'one', content }] })),
      ).toMatchObject([{ path: 'one', size: 1 }])
    }
    expect(
      await collect(await client.call('files.list', {}, { body: [{ path: 'dir/one', content: text('x') }] })),
    ).toMatchObject([{ path: 'dir/one' }])
    expect(await collect(await client.call('files.list', {}, { body: [{ path: 'folder' }] }))).toMatchObject([
      { kind: 'folder' },
    ])
    expect(await collect(await client.call('files.list', {}, { body: [] }))).toEqual([])
    expect(await collect(await client.call('files.list', {}, { body: streamOf<FileEntry>() }))).toEqual([])
    const octets = 'application/octet-stream'
    const form = 'multipart/form-data'
    const nothing = 'application/vnd.ipfs-kit.nothing'
    expect(types).toEqual([octets, octets, octets, form, form, nothing, nothing])
  })

  test('arrive as blobs, with their length', async () => {
    const lengths: unknown[] = []
    const { app, client } = await serve(table)
    app.server.on('request', ({ headers }) => lengths.push(headers['content-length']))
    const body: ClientFileEntry[] = [
      { path: 'a', content: new Blob(['aaa'], { type: 'image/png' }) },
      { path: 'dir/b', content: text('bb') },
      { path: 'folder' },
      { path: 'bad', failed: { code: 'EIO', message: 'broken' } },
    ]
    const answer = await collect(await client.call('files.list', {}, { body }))
    expect(answer).toMatchObject([
      { path: 'a', size: 3 },
      { path: 'dir/b', size: 2 },
      { kind: 'folder' },
      { kind: 'failed', failed: 'EIO: broken' },
    ])
    expect(Number(lengths[0])).toBeGreaterThan(100)
    expect(await collect(await client.call('files.list', {}, { body: streamOf(...body) }))).toEqual(answer)
  })

  test.each([0, 500, 3_000_000])(
    'that fail after %i bytes are failed items, and the others go on',
    async (size) => {
      const { client } = await serve(table)
      const content = failingAfter(
        size === 0 ? [] : [new Uint8Array(size)],
        new EntryReadError('EIO', 'The disk is broken'),
      )
      const body = streamOf<FileEntry>(
        { path: 'a', content: text('a') },
        { path: 'bad', content },
        { path: 'c', content: text('c') },
      )
      expect(await collect(await client.call('files.list', {}, { body }))).toMatchObject([
        { path: 'a', kind: 'file' },
        { path: 'bad', kind: 'failed', failed: 'EIO: The disk is broken' },
        { path: 'c', kind: 'file' },
      ])
    },
  )

  test('that fail in another way end the call', async () => {
    const { client } = await serve(table)
    const aborted = once(events, 'aborted')
    const error = new Error('a defect')
    const content = failingWhenRead(error)
    expect(
      await reasonOf(client.call('files.list', {}, { body: streamOf<FileEntry>({ path: 'a', content }) })),
    ).toBe(error)
    expect(await aborted).toMatchObject([{ name: 'AbortError' }])
  })

  test('go on being sent though the answer has begun', async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"path":"early"}\n')
      let received = 0
      request.on('data', (chunk: Uint8Array) => (received += chunk.byteLength))
      request.on('end', () => response.end(`{"path":"${received}"}\n`))
    })
    server.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const client = createClient<TableOf<typeof table>>({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    })
    const pieces = async function* (): AsyncGenerator<FileEntry> {
      for (let n = 0; n < 20; n += 1) yield { path: `${n}`, content: new Uint8Array(1_000_000) }
    }
    const [early, late] = await collect(await client.call('files.list', {}, { body: pieces() }))
    expect(early?.path).toBe('early')
    expect(Number(late?.path)).toBeGreaterThan(20_000_000)
  })

  test('of which the server wants no more are left where they are', async () => {
    const { client } = await serve(table)
    let left = false
    const endless = async function* (): AsyncGenerator<FileEntry> {
      try {
        for (let n = 0; ; n += 1) yield { path: `${n}`, content: new Uint8Array(1_000) }
      } finally {
        left = true
      }
    }
    const lines = await collect(await client.call('files.list', { max: 3 }, { body: endless() }))
    expect(lines.map(({ path }) => path)).toEqual(['0', '1', '2'])
    expect(left).toBe(true)
  })

  test('of a bad name are refused by the server', async () => {
    const { client } = await serve(table)
    for (const path of ['../a', '/a', '']) {
      for (const body of [[{ path, content: text('x') }], streamOf({ path, content: text('x') })]) {
        await expect(client.call('files.list', {}, { body })).rejects.toMatchObject({
          code: 'OPERATION_BODY_INVALID',
          status: 400,
        })
      }
    }
  })
})
