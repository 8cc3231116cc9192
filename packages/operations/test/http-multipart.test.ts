import type { FileEntry } from '@ipfs-kit/operations'
import { describe, expect, test } from 'vitest'
import { connect, head, serve } from './http-server.ts'
import {
  describeEntry,
  failedField,
  form,
  formType,
  type Line,
  linesOf,
  list,
  part,
  randomBytes,
  sum,
} from './http-forms.ts'

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
        const request = head('/test/list', {
          ...formType,
          'transfer-encoding': 'chunked',
          connection: 'close',
        })
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
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: formType, body }))
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
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: formType, body }))
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
      await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: formType, body })),
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
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: formType, body }))
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
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: formType, body }))
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
    const lines = await linesOf(await fetch(`${url}/test/list`, { method: 'POST', headers: formType, body }))
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
