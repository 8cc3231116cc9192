import { EntryReadError, operation } from '@ipfs-kit/operations'
import type { FileEntry } from '@ipfs-kit/operations'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connect, head, serve } from './http-server.ts'

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total * 31 + byte) % 1_000_003, 7)

/** Tells what it was given. `skip` leaves the content of large files, `left` leaves it after the first piece. */
const list = operation<object>()({
  name: 'test.list',
  summary: 'List files.',
  parts: [],
  input: z.object({ large: z.enum(['read', 'skip', 'left']).default('read') }),
  output: z.object({
    path: z.string(),
    kind: z.enum(['whole', 'stream', 'folder', 'failed']),
    size: z.number(),
    sum: z.number(),
    failed: z.string(),
  }),
  body: 'files',
  returns: 'lines',
  effect: 'write',
  scope: 'write',
  doors: ['cli'],
  async *run(_parts, { large }, _context, body) {
    for await (const entry of body) yield await describeEntry(entry, large)
  },
})

async function describeEntry({ path, content, failed }: FileEntry, large: string) {
  const line = { path, size: 0, sum: 0, failed: '' }
  if (failed !== undefined)
    return { ...line, kind: 'failed' as const, failed: `${failed.code} ${failed.message}` }
  if (content === undefined) return { ...line, kind: 'folder' as const }
  if (content instanceof Uint8Array)
    return { ...line, kind: 'whole' as const, size: content.length, sum: sum(content) }
  const pieces: Uint8Array[] = []
  try {
    if (large !== 'skip') {
      for await (const piece of content) {
        pieces.push(piece)
        if (large === 'left') break
      }
    }
  } catch (error) {
    if (!(error instanceof EntryReadError)) throw error
    return { ...line, kind: 'failed' as const, failed: `${error.code} ${error.message}` }
  }
  const bytes = large === 'read' ? Buffer.concat(pieces) : new Uint8Array()
  return { ...line, kind: 'stream' as const, size: bytes.length, sum: sum(bytes) }
}

type Line = Awaited<ReturnType<typeof describeEntry>>

async function linesOf(response: Response): Promise<Line[]> {
  expect(response.status, await response.clone().text()).toBe(200)
  const lines = (await response.text()).split('\n')
  expect(lines.pop()).toBe('')
  return lines.map((line) => JSON.parse(line) as Line)
}

const type = { 'content-type': 'multipart/form-data; boundary=edge' }

function part(disposition: string, content: string, more = ''): string {
  return `--edge\r\ncontent-disposition: form-data; ${disposition}\r\n${more}\r\n${content}\r\n`
}

function form(...parts: string[]): Buffer {
  return Buffer.from(`${parts.join('')}--edge--\r\n`, 'latin1')
}

const failedField = (path: string): string =>
  part('name="failed"', JSON.stringify({ path, code: 'EIO', message: 'The disk is broken' }))

describe('a form', () => {
  test('of FormData has one entry for each file, with its relative path', async () => {
    const { url } = await serve([list])
    const data = new FormData()
    const names = [
      'a.txt',
      'dir/b.txt',
      'dir/deep/ü — 文.txt',
      'with "quotes"',
      'line\nbreak',
      "it's; filename=x",
      '100%',
      'back\\slash',
    ]
    for (const name of names) data.append('file', new Blob([`content of ${name}`]), name)
    data.append('anything', new Blob([]), 'empty')
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', body: data }))
    expect(lines.map(({ path }) => path)).toEqual([...names, 'empty'])
    expect(lines[2]).toMatchObject({ kind: 'whole', sum: sum(Buffer.from(`content of ${names[2]}`)) })
    expect(lines.at(-1)).toMatchObject({ kind: 'whole', size: 0 })
  })

  test('of FormData may be empty', async () => {
    const { url } = await serve([list])
    expect(await linesOf(await fetch(`${url}/test/list`, { method: 'POST', body: new FormData() }))).toEqual(
      [],
    )
  })

  test('streams files above 1 MiB and hands smaller ones over whole', async () => {
    const { url } = await serve([list])
    const data = new FormData()
    const contents = [1_048_575, 1_048_576, 1_048_577, 5_000_000, 3].map(randomBytes)
    contents.forEach((bytes, index) => data.append('file', new Blob([bytes]), `${index}`))
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', body: data }))
    expect(lines.map(({ kind }) => kind)).toEqual(['whole', 'whole', 'stream', 'stream', 'whole'])
    expect(lines.map(({ size }) => size)).toEqual([1_048_575, 1_048_576, 1_048_577, 5_000_000, 3])
    expect(lines.map((line) => line.sum)).toEqual(contents.map(sum))
  })

  test.each(['skip', 'left'])(
    'goes on after a large file that nobody reads to its end (%s)',
    async (large) => {
      const { url } = await serve([list])
      const data = new FormData()
      data.append('file', new Blob([randomBytes(5_000_000)]), 'large')
      data.append('file', new Blob(['small']), 'small')
      const lines = await linesOf(
        await fetch(`${url}/test/list?large=${large}`, { method: 'POST', body: data }),
      )
      expect(lines.map(({ path, kind }) => [path, kind])).toEqual([
        ['large', 'stream'],
        ['small', 'whole'],
      ])
    },
  )

  test('may be cut anywhere on its way, and its content may look like a boundary', async () => {
    const { port } = await serve([list])
    const content = '\r\n--edg\r\n--edgE\r\n-\r\r\n--edge'.slice(0, -6)
    const body = form(
      part('name="file"; filename="a"', content),
      part('name="file"; filename="b"', '\r\n'),
      failedField('b'),
    )
    const expected = { path: 'a', size: content.length, sum: sum(Buffer.from(content)) }
    for (const step of [1, 2, 3, 7, body.length]) {
      for (let offset = 0; offset < Math.min(step, 7); offset += 1) {
        const chunks: Buffer[] = []
        for (let at = -offset; at < body.length; at += step) {
          const piece = body.subarray(Math.max(0, at), at + step)
          if (piece.length > 0)
            chunks.push(
              Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
            )
        }
        const request = head('/test/list', { ...type, 'transfer-encoding': 'chunked', connection: 'close' })
        const connection = connect(port, request, ...chunks, '0\r\n\r\n')
        const answer = await connection.all
        const lines = answer
          .split('\r\n')
          .filter((line) => line.startsWith('{'))
          .flatMap((text) => text.trim().split('\n'))
        expect(JSON.parse(lines[0]!), answer).toMatchObject(expected)
        expect(JSON.parse(lines[1]!)).toMatchObject({ path: 'b', kind: 'failed' })
      }
    }
  })

  test('takes the file names of other senders', async () => {
    const { url } = await serve([list])
    const body = form(
      part('name=file; filename=plain.txt', ''),
      part('filename="first.txt"; name="file"', ''),
      part('name="file"; filename="old curl \\"quoted\\".txt"', ''),
      part(`name="file"; filename="fallback"; filename*=UTF-8''it's%20%22%25%2F%C3%BC%22`, ''),
      part(`name="file"; filename="a; filename*=UTF-8''b"`, ''),
    )
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: type, body }))
    expect(lines.map(({ path }) => path)).toEqual([
      'plain.txt',
      'first.txt',
      'old curl "quoted".txt',
      `it's "%/ü"`,
      "a; filename*=UTF-8''b",
    ])
  })

  test('has empty folders', async () => {
    const { url } = await serve([list])
    const body = form(
      part('name="file"; filename="empty/folder"', '', 'Content-Type: application/x-directory\r\n'),
    )
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: type, body }))
    expect(lines).toMatchObject([{ path: 'empty/folder', kind: 'folder' }])
  })

  test('may have something before its first and after its last boundary', async () => {
    const { url } = await serve([list])
    const body = Buffer.concat([
      Buffer.from('preamble\r\n'),
      form(part('name="file"; filename="a"', 'x')),
      Buffer.from('epilogue'),
    ])
    expect(
      await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: type, body })),
    ).toMatchObject([{ path: 'a' }])
  })
})

describe('a part "failed"', () => {
  test('takes the small file before it back', async () => {
    const { url } = await serve([list])
    const body = form(
      part('name="file"; filename="a"', 'half of i'),
      failedField('a'),
      part('name="file"; filename="b"', 'b'),
    )
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: type, body }))
    expect(lines).toMatchObject([
      { path: 'a', kind: 'failed', failed: 'EIO The disk is broken' },
      { path: 'b', kind: 'whole' },
    ])
  })

  test('fails the streamed file before it, which never ends as if it were whole', async () => {
    const { url } = await serve([list])
    const half = 'h'.repeat(3_000_000)
    const body = form(
      part('name="file"; filename="a"', half),
      failedField('a'),
      part('name="file"; filename="b"', 'b'),
    )
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: type, body }))
    expect(lines).toMatchObject([
      { path: 'a', kind: 'failed', failed: 'EIO The disk is broken' },
      { path: 'b', kind: 'whole' },
    ])
  })

  test('stands alone for a file that was never begun', async () => {
    const { url } = await serve([list])
    const body = form(
      part('name="file"; filename="a"', 'a'),
      failedField('dir/b'),
      failedField('c'),
      failedField('c'),
    )
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: type, body }))
    expect(lines.map(({ path, kind }) => [path, kind])).toEqual([
      ['a', 'whole'],
      ['dir/b', 'failed'],
      ['c', 'failed'],
      ['c', 'failed'],
    ])
  })
})

describe('a raw body', () => {
  test('is one file, named by the query', async () => {
    const { url } = await serve([list])
    const headers = { 'content-type': 'application/octet-stream' }
    const bytes = randomBytes(2_000_000)
    const named = await fetch(`${url}/test/list?filename=${encodeURIComponent('dir/ü.bin')}`, {
      method: 'POST',
      headers,
      body: bytes,
    })
    expect(await linesOf(named)).toEqual([
      { path: 'dir/ü.bin', kind: 'stream', size: 2_000_000, sum: sum(bytes), failed: '' },
    ])
    expect(
      await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers, body: 'x' })),
    ).toMatchObject([{ path: 'file' }])
  })

  test('that names nothing has no files', async () => {
    const { url } = await serve([list])
    const headers = { 'content-type': 'application/vnd.ipfs-kit.nothing' }
    expect(await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers }))).toEqual([])
    expect((await fetch(`${url}/test/list`, { method: 'POST', headers, body: 'x' })).status).toBe(400)
  })
})

describe('refused with OPERATION_BODY_INVALID is', () => {
  const file = part('name="file"; filename="a"', 'a')
  const cases: [string, string | Buffer, Record<string, string>?][] = [
    ['a body without boundary', form(file), { 'content-type': 'multipart/form-data' }],
    ['a body that never has its boundary', 'x'.repeat(100_000)],
    ['an empty body', ''],
    ['a body that ends in a file', form(file).subarray(0, -12)],
    ['a body that ends in a header', form(file).subarray(0, 30)],
    ['a boundary with something behind it', form(file).toString().replace('--edge\r\n', '--edges\r\n')],
    ['a part without a name', form(part('filename="a"', ''))],
    ['a part that is no form-data', form('--edge\r\ncontent-disposition: attachment; name="a"\r\n\r\n\r\n')],
    ['a part with a broken disposition', form(part('name="a" x', ''))],
    ['a part with a broken header', form(part('name="a"', '', 'nonsense\r\n'))],
    [
      'a part in base64',
      form(part('name="file"; filename="a"', 'YQ==', 'Content-Transfer-Encoding: base64\r\n')),
    ],
    ['a name that is no UTF-8', form(part('name="file"; filename="\xff"', ''))],
    ['a name whose encoding is broken', form(part(`name="file"; filename*=UTF-8''%ff`, ''))],
    ['a name in another charset', form(part(`name="file"; filename*=latin1''a`, ''))],
    ['endless headers', form(part('name="file"; filename="a"', '', `x: ${'x'.repeat(20_000)}\r\n`))],
    ['a field that is not known', form(part('name="other"', ''))],
    ['a failure that is no JSON', form(part('name="failed"', 'x'))],
    ['a failure without its fields', form(part('name="failed"', '{"path":"a"}'))],
    ['a failure with an unusable path', form(failedField('../a'))],
    ...['../a', 'a/../b', './a', 'a//b', '/a', '', '.', '..', 'a/', 'a\0b', 'a\\', 'x'.repeat(4_097)].map(
      (path): [string, Buffer] => [
        `the path ${JSON.stringify(path.slice(0, 20))}`,
        form(part(`name="file"; filename="${path}"`, '')),
      ],
    ),
  ]
  test.each(cases)('%s', async (_title, body, headers = type) => {
    const { url } = await serve([list])
    const response = await fetch(`${url}/test/list`, { method: 'POST', headers, body })
    expect(await response.json()).toMatchObject({ code: 'OPERATION_BODY_INVALID' })
    expect(response.status).toBe(400)
  })

  test('an unusable path of a raw body, and two names for one body', async () => {
    const { url } = await serve([list])
    const raw = { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: 'x' }
    for (const path of ['..', '/etc/passwd', 'a%00b', '']) {
      const response = await fetch(`${url}/test/list?filename=${path}`, raw)
      expect(await response.json()).toMatchObject({ code: 'OPERATION_BODY_INVALID' })
    }
    const both = await fetch(`${url}/test/list?filename=a`, {
      method: 'POST',
      headers: type,
      body: form(file),
    })
    expect(both.status).toBe(400)
    expect((await fetch(`${url}/test/list?filename=a&filename=b`, raw)).status).toBe(400)
  })
})

test('the number of files and the size of a failure have limits', async () => {
  const { url } = await serve([list], { limits: { maxFiles: 2 } })
  const file = part('name="file"; filename="a"', 'a')
  const send = (body: Buffer): Promise<Response> =>
    fetch(`${url}/test/list`, { method: 'POST', headers: type, body })
  expect((await send(form(file, file))).status).toBe(200)
  const many = await send(form(file, file, file))
  expect([many.status, await many.json()]).toMatchObject([413, { code: 'OPERATION_BODY_TOO_LARGE' }])
  expect((await send(form(part('name="failed"', 'x'.repeat(70_000))))).status).toBe(413)
})

test('JSON and forms of other kinds are refused', async () => {
  const { url } = await serve([list])
  for (const other of [
    'application/json',
    'multipart/mixed; boundary=edge',
    'text/plain',
    'application/x-www-form-urlencoded',
  ]) {
    const response = await fetch(`${url}/test/list`, {
      method: 'POST',
      headers: { 'content-type': other },
      body: 'x',
    })
    expect([response.status, await response.json()]).toMatchObject([
      415,
      { message: expect.stringMatching(/multipart\/form-data/) },
    ])
  }
})

describe('a consumer that is ahead of itself', () => {
  const large = (...names: string[]): FormData => {
    const data = new FormData()
    for (const name of names) data.append('file', new Blob([randomBytes(3_000_000)]), name)
    return data
  }

  test('gets the next file when the one that it reads beside has ended', async () => {
    const parallel = {
      ...list,
      name: 'test.parallel',
      async *run(_parts: object, _input: unknown, _context: unknown, body: AsyncIterable<FileEntry>) {
        const reading: Promise<Line>[] = []
        for await (const entry of body) reading.push(describeEntry(entry, 'read'))
        yield* await Promise.all(reading)
      },
    } as const
    const { url } = await serve([parallel])
    const lines = await linesOf(
      await fetch(`${url}/test/parallel`, { method: 'POST', body: large('a', 'b', 'c') }),
    )
    const whole = { kind: 'stream', size: 3_000_000, sum: sum(randomBytes(3_000_000)) }
    expect(lines).toMatchObject(['a', 'b', 'c'].map((path) => ({ path, ...whole })))
  })

  test('cannot read a file that it has passed by, nor one twice', async () => {
    const problems: unknown[] = []
    const late = {
      ...list,
      name: 'test.late',
      async *run(_parts: object, _input: unknown, _context: unknown, body: AsyncIterable<FileEntry>) {
        const entries: FileEntry[] = []
        for await (const entry of body) {
          if (entry.path === 'read') await describeEntry(entry, 'read')
          entries.push(entry)
        }
        for (const entry of entries)
          await describeEntry(entry, 'read').catch((error: unknown) => problems.push(error))
        yield* []
      },
    } as const
    const { url } = await serve([late])
    expect(
      await linesOf(await fetch(`${url}/test/late`, { method: 'POST', body: large('passed', 'read') })),
    ).toEqual([])
    expect(problems).toMatchObject([{ name: 'TypeError' }, { name: 'TypeError' }])
  })
})

/** Bytes with every value and many line breaks, the same in each run. */
function randomBytes(size: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(size)
  let state = size + 1
  for (let at = 0; at < size; at += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    bytes[at] = state >>> 16
  }
  return bytes
}
