import { once } from 'node:events'
import { operation } from '@ipfs-kit/operations'
import type { AnyOperation, FileEntry } from '@ipfs-kit/operations'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { connect, head, serve } from './http-server.ts'

const octets = { 'content-type': 'application/octet-stream' }

let rejections: unknown[] = []
const note = (reason: unknown): void => void rejections.push(reason)

beforeEach(() => {
  rejections = []
  process.on('unhandledRejection', note)
})

afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(rejections).toEqual([])
})

/** What the run function of an operation lives through. */
interface Watched {
  readonly entry: AnyOperation
  readonly began: Promise<void>
  readonly aborted: Promise<unknown>
  readonly ended: Promise<unknown>
}

function watched(
  body: 'none' | 'bytes' | 'files',
  returns: 'value' | 'lines' | 'bytes',
  work: (signal: AbortSignal, body: unknown, begin: () => void) => unknown,
): Watched {
  const began = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<unknown>()
  const ended = Promise.withResolvers<unknown>()
  const run = (_parts: object, _input: unknown, { signal }: { signal: AbortSignal }, given: unknown): any => {
    signal.addEventListener('abort', () => aborted.resolve(signal.reason))
    const pieces = async function* (): AsyncGenerator<any> {
      try {
        yield* work(signal, given, began.resolve) as AsyncIterable<unknown>
      } catch (error) {
        ended.resolve(error)
        throw error
      } finally {
        ended.resolve('ended')
      }
    }
    if (returns === 'lines') return pieces()
    if (returns === 'bytes') return Promise.resolve({ mediaType: 'text/plain', body: pieces() })
    return pieces().next()
  }
  const entry = operation<object>()({
    name: 'test.work',
    summary: 'Work.',
    parts: [],
    input: z.object({}),
    output: z.any(),
    body,
    returns,
    effect: 'write',
    scope: 'content:write',
    doors: ['cli'],
    run,
  })
  return { entry, began: began.promise, aborted: aborted.promise, ended: ended.promise }
}

async function* drain(_signal: AbortSignal, body: unknown, begin: () => void): AsyncGenerator<unknown> {
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    begin()
    yield* piece.length === 0 ? [0] : []
  }
}

async function* drainFiles(_signal: AbortSignal, body: unknown, begin: () => void): AsyncGenerator<unknown> {
  for await (const { content } of body as AsyncIterable<FileEntry>) {
    if (content instanceof Uint8Array || content === undefined) continue
    yield* drain(_signal, content, begin)
  }
}

async function* waitForAbort(
  signal: AbortSignal,
  _body: unknown,
  begin: () => void,
): AsyncGenerator<unknown> {
  begin()
  await once(signal, 'abort')
  signal.throwIfAborted()
  yield 0
}

async function* endless(signal: AbortSignal, _body: unknown, begin: () => void): AsyncGenerator<unknown> {
  for (;;) {
    signal.throwIfAborted()
    begin()
    yield new Uint8Array(65_536)
  }
}

const formHead = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
const formType = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': 100_000_000 }

test.each([
  ['value', 'bytes', drain, { ...octets, 'content-length': 1_000 }, 'half'],
  ['lines', 'bytes', drain, { ...octets, 'transfer-encoding': 'chunked' }, '4\r\nhalf\r\n'],
  ['lines', 'files', drainFiles, formType, formHead + 'x'.repeat(2_000_000)],
  ['value', 'files', drainFiles, { ...octets, 'content-length': 1_000 }, 'half'],
] as const)(
  'a client that leaves in the middle of its upload ends the call (%s, %s)',
  async (returns, body, work, headers, sent) => {
    const { entry, began, aborted, ended } = watched(body, returns, work)
    const { port } = await serve([entry])
    const connection = connect(port, head('/test/work', headers), sent)
    await began
    connection.socket.destroy()
    expect(await aborted).toMatchObject({ name: 'AbortError' })
    expect(await ended).toMatchObject({ name: expect.stringMatching(/AbortError|OperationError/) })
  },
)

test.each([
  ['value', waitForAbort],
  ['lines', waitForAbort],
  ['bytes', waitForAbort],
  ['bytes', endless],
] as const)('a client that leaves while it waits or reads ends the call (%s)', async (returns, work) => {
  const { entry, began, aborted, ended } = watched('none', returns, work)
  const { port } = await serve([entry])
  const connection = connect(port, head('/test/work', { 'content-length': 0 }))
  await began
  connection.socket.destroy()
  expect(await aborted).toMatchObject({ name: 'AbortError' })
  await ended
})

test.each([
  ['value', 'none', waitForAbort],
  ['lines', 'none', waitForAbort],
  ['bytes', 'none', endless],
  ['value', 'bytes', drain],
  ['lines', 'files', drainFiles],
] as const)('a server that closes ends its calls and does not hang (%s, %s)', async (returns, body, work) => {
  const { entry, began, aborted, ended } = watched(body, returns, work)
  const { app, port } = await serve([entry])
  const connection =
    body === 'none'
      ? connect(port, head('/test/work', { 'content-length': 0 }))
      : connect(
          port,
          head('/test/work', body === 'files' ? formType : { ...octets, 'content-length': 1_000 }),
          formHead,
          'x'.repeat(body === 'files' ? 2_000_000 : 10),
        )
  await began
  await app.close()
  expect(await aborted).toMatchObject({ code: 'OPERATION_CLOSING', kind: 'temporary' })
  await ended
  await connection.all
})
