import { once } from 'node:events'
import { EntryReadError } from '@ipfs-kit/operations'
import type { Progress } from '@ipfs-kit/operations'
import { tree } from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'
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

describe('bytes', () => {
  const large = new Uint8Array(3_000_000).map((_, index) => index % 251)

  test.each([
    ['whole', () => large],
    ['as a blob', () => new Blob([large], { type: 'text/plain' })],
    ['in large pieces', () => streamOf(large.subarray(0, 1_000_000), large.subarray(1_000_000))],
    [
      'in small pieces',
      () =>
        streamOf(
          ...Array.from({ length: 3_000 }, (_, index) => large.subarray(index * 1_000, (index + 1) * 1_000)),
        ),
    ],
    [
      'in pieces of all sizes',
      () =>
        streamOf(
          large.subarray(0, 1),
          large.subarray(1, 1),
          large.subarray(1, 100_001),
          large.subarray(100_001, 100_011),
          large.subarray(100_011),
        ),
    ],
  ])('arrive %s, with the input beside them', async (_title, body) => {
    const { client } = await serve(table)
    const input = { note: 'ü & ?', flag: true, number: -1.5 }
    const answer = await client.call('bytes.take', input, { body: body() })
    expect(answer).toEqual({ ...input, size: 3_000_000, sha256: sha256(large) })
  })

  test('may be none', async () => {
    const { client } = await serve(table)
    for (const body of [new Uint8Array(), new Blob([]), streamOf<Uint8Array>(), streamOf(new Uint8Array())]) {
      expect(await client.call('bytes.take', {}, { body })).toMatchObject({ size: 0 })
    }
  })

  test('go out although their source pauses', async () => {
    const { client } = await serve(table)
    const paused = async function* (): AsyncGenerator<Uint8Array> {
      const piece = once(events, 'piece')
      yield text('first')
      await piece
      yield text('second')
    }
    expect(await client.call('bytes.take', {}, { body: paused() })).toMatchObject({ size: 11 })
  })

  test('leave no owner behind', async () => {
    const { client } = await serve(table)
    const owners = (): string[] => tree().inner.map((inner) => inner.name)
    const before = owners()
    const paused = async function* (): AsyncGenerator<Uint8Array> {
      const piece = once(events, 'piece')
      yield text('first')
      // It comes when the pause is over, which has an owner then.
      await piece
      expect(owners()).toContain('upload')
      yield text('second')
    }
    await client.call('bytes.take', {}, { body: paused() })
    await expect.poll(owners, { interval: 1 }).toEqual(before)
    expect(owners().filter((name) => name.startsWith('upload'))).toEqual([])
  })

  test('are refused without being sent to the end', async () => {
    const { client } = await serve(table)
    let made = 0
    let left = false
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          made += 65_536
          yield new Uint8Array(65_536)
        }
      } finally {
        left = true
      }
    }
    await expect(client.call('bytes.small', {}, { body: endless() })).rejects.toMatchObject({
      code: 'OPERATION_BODY_TOO_LARGE',
      kind: 'too-large',
      status: 413,
    })
    expect(left).toBe(true)
    expect(made).toBeLessThan(100_000_000)
    await expect(client.call('bytes.small', {}, { body: new Uint8Array(1_001) })).rejects.toMatchObject({
      status: 413,
    })
  })

  test('that cannot be read end the call with what their source threw', async () => {
    const { client } = await serve(table)
    const aborted = once(events, 'aborted')
    const error = new EntryReadError('EIO', 'broken')
    expect(await reasonOf(client.call('bytes.take', {}, { body: failingWhenRead(error) }))).toBe(error)
    expect(await reasonOf(client.call('bytes.take', {}, { body: failingAfter([], error) }))).toBe(error)
    expect(await aborted).toMatchObject([{ name: 'AbortError' }])
  })

  test('are left when the signal says so', async () => {
    const { client } = await serve(table)
    const aborted = once(events, 'aborted')
    const controller = new AbortController()
    const reason = new Error('enough')
    let left = false
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(65_536)
      } finally {
        left = true
      }
    }
    events.once('piece', () => controller.abort(reason))
    expect(
      await reasonOf(client.call('bytes.take', {}, { body: endless(), signal: controller.signal })),
    ).toBe(reason)
    expect(await aborted).toMatchObject([{ name: 'AbortError' }])
    expect(left).toBe(true)
  })

  test('are refused when they are something else, and so is an input that no query can carry', async () => {
    const { client } = await serve(table)
    for (const body of [streamOf('text'), [1, 2]]) {
      await expect(client.call('bytes.take', {}, { body: body as never })).rejects.toThrow(TypeError)
    }
    await expect(
      client.call('bytes.take', { note: ['a'] as never }, { body: new Uint8Array() }),
    ).rejects.toThrow(/note/)
  })
})

describe('progress', () => {
  test('tells the bytes and files that went out', async () => {
    const { client } = await serve(table)
    const heard: Progress[] = []
    const progress = (each: Progress): void => void heard.push(each)
    await client.call('bytes.take', {}, { body: new Uint8Array(1_000), progress })
    expect(heard).toEqual([{ stage: 'uploading', bytes: 1_000, totalBytes: 1_000 }])
    heard.length = 0
    const pieces = Array.from({ length: 10 }, () => new Uint8Array(100_000))
    await client.call('bytes.take', {}, { body: streamOf(...pieces), progress })
    expect(heard.map(({ bytes }) => bytes)).toEqual(pieces.map((_, index) => (index + 1) * 100_000))
    heard.length = 0
    const files = pieces.map((content, index) => ({ path: `f${index}`, content }))
    await collect(await client.call('files.list', {}, { body: streamOf(...files), progress }))
    expect(heard.at(-1)).toMatchObject({ stage: 'uploading', items: 10 })
    expect(heard.at(-1)!.bytes).toBeGreaterThan(1_000_000)
  })
})

test('a connection stays open after an upload', async () => {
  const { app, client } = await serve(table)
  const headers: unknown[] = []
  app.server.on('request', (_request, response) =>
    response.on('finish', () => headers.push(response.getHeader('connection'))),
  )
  await client.call('bytes.take', {}, { body: streamOf(new Uint8Array(100_000)) })
  await client.call('bytes.take', {}, { body: new Uint8Array(100_000) })
  await collect(
    await client.call('files.list', {}, { body: streamOf({ path: 'a', content: text('a') }, { path: 'b' }) }),
  )
  expect(headers).toEqual([undefined, undefined, undefined])
})
