import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { serverErrors } from '@ipfs-kit/mcp-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Asking, type ErrorAnswer, serve, type Site } from './serving.ts'

let site: Site
let authorization: string
beforeAll(async () => {
  site = await serve()
  authorization = `Bearer ${site.token}`
})
afterAll(() => site.close())

const unknownCid = 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
const json = { 'content-type': 'application/json' }
const octets = { 'content-type': 'application/octet-stream' }

interface Case {
  readonly what: string
  readonly path: string
  readonly asking?: Asking
  readonly status: number
  readonly code: string
}

const withoutToken: Case[] = [
  { what: 'a path that leads nowhere', path: '/nothing', status: 404, code: 'SERVER_NOT_FOUND' },
  { what: 'the root', path: '/', status: 404, code: 'SERVER_NOT_FOUND' },
  { what: 'the path of the gateway', path: `/ipfs/${unknownCid}`, status: 404, code: 'SERVER_NOT_FOUND' },
  {
    what: 'a post to nowhere with a broken body',
    path: '/nothing',
    asking: { method: 'POST', headers: json, body: '{"a"' },
    status: 404,
    code: 'SERVER_NOT_FOUND',
  },
  { what: 'an unknown operation', path: '/api/v1/files/burn', status: 404, code: 'OPERATION_UNKNOWN' },
  {
    what: 'an unknown operation with a body of a strange type',
    path: '/api/v1/files/burn',
    asking: { method: 'POST', headers: { 'content-type': 'x/y' }, body: 'z' },
    status: 404,
    code: 'OPERATION_UNKNOWN',
  },
  {
    what: 'a wrong method of an operation',
    path: '/api/v1/files/add',
    asking: { method: 'GET' },
    status: 405,
    code: 'OPERATION_METHOD',
  },
  ...['/healthz', '/readyz', '/metrics', '/api/v1/openapi.json'].flatMap((path) =>
    ['POST', 'DELETE', 'OPTIONS'].map((method) => ({
      what: `${method} of a page`,
      path,
      asking: { method, headers: { 'content-type': 'x/y' }, ...(method === 'POST' && { body: 'x' }) },
      status: 405,
      code: 'SERVER_METHOD',
    })),
  ),
  { what: 'a URL that is no text', path: '/%ff', status: 400, code: 'SERVER_REQUEST_INVALID' },
  { what: 'a URL cut in an escape', path: '/api/v1/%', status: 400, code: 'SERVER_REQUEST_INVALID' },
]

const withToken: Case[] = [
  {
    what: 'malformed JSON',
    path: '/api/v1/node/status',
    asking: { method: 'POST', headers: json, body: '{"a"' },
    status: 400,
    code: 'OPERATION_BODY_INVALID',
  },
  {
    what: 'an input that the schema does not know',
    path: '/api/v1/node/status',
    asking: { method: 'POST', headers: json, body: '{"a":1}' },
    status: 400,
    code: 'OPERATION_INVALID_INPUT',
  },
  {
    what: 'an input of another type',
    path: '/api/v1/node/status',
    asking: { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' },
    status: 415,
    code: 'OPERATION_MEDIA_TYPE',
  },
  {
    what: 'an input that is too large',
    path: '/api/v1/node/status',
    asking: { method: 'POST', headers: json, body: `{"a":"${'a'.repeat(4_194_304)}"}` },
    status: 413,
    code: 'OPERATION_BODY_TOO_LARGE',
  },
  {
    what: 'a block that is too large',
    path: '/api/v1/block/put',
    asking: { method: 'POST', headers: octets, body: Buffer.alloc(40_000_000) },
    status: 413,
    code: 'OPERATION_BODY_TOO_LARGE',
  },
  {
    what: 'an invalid CID',
    path: '/api/v1/files/cat?cid=nonsense',
    status: 400,
    code: 'IPFS_INVALID_CID',
  },
  {
    what: 'an unknown CID',
    path: `/api/v1/files/cat?cid=${unknownCid}`,
    status: 404,
    code: 'IPFS_BLOCK_NOT_FOUND',
  },
  {
    what: 'a path with ..',
    path: `/api/v1/files/cat?cid=${unknownCid}/../x`,
    status: 400,
    code: 'IPFS_INVALID_PATH',
  },
  {
    what: 'an archive that is none',
    path: '/api/v1/car/import',
    asking: { method: 'POST', headers: octets, body: 'no archive at all' },
    status: 422,
    code: 'IPFS_CAR_INVALID',
  },
  {
    what: 'an unknown part',
    path: '/api/v1/node/restart',
    asking: { method: 'POST', headers: json, body: '{"part":"engine"}' },
    status: 404,
    code: 'KIT_PART_UNKNOWN',
  },
]

describe('an error is told in the same way everywhere', () => {
  const ask = async ({ path, asking }: Case, headers: Record<string, string>): Promise<ErrorAnswer> => {
    const answer = await site.ask(path, { ...asking, headers: { ...asking?.headers, ...headers } })
    const body = JSON.parse(answer.text) as ErrorAnswer
    expect(Object.keys(body)).toEqual(['code', 'kind', 'message', 'next', 'retryable', 'requestId'])
    expect(body.message).not.toBe('')
    expect(body.next).not.toBe('')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.headers['x-request-id']).toBe(body.requestId)
    expect(body.requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.headers['cache-control']).toBe('no-store')
    return { ...body, ...{ status: answer.status } }
  }

  it.each(withoutToken)('$what: $status $code, with or without a token', async (each) => {
    const { status, code } = each
    expect(await ask(each, {})).toMatchObject({ status, code })
    expect(await ask(each, { authorization })).toMatchObject({ status, code })
  })

  it.each(withToken)('$what: $status $code', async (each) => {
    const { status, code } = each
    expect(await ask(each, { authorization })).toMatchObject({ status, code })
  })

  it('a 405 names the methods that there are', async () => {
    expect((await site.ask('/healthz', { method: 'PUT' })).headers.allow).toBe('GET, HEAD')
    expect((await site.ask('/api/v1/files/add')).headers.allow).toBe('POST')
  })

  it('an answer to HEAD has the headers and no body', async () => {
    const answer = await site.ask('/nothing', { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 404, text: '' })
    expect((await site.ask('/healthz', { method: 'HEAD' })).status).toBe(200)
  })

  it('what a client wrote is shown cut', async () => {
    const { text } = await site.ask(`/${'x'.repeat(10_000)}`)
    expect(text.length).toBeLessThan(500)
  })
})

describe('what is no HTTP', () => {
  const request = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n'
  it.each([
    ['a line of text', 'hello\r\n\r\n', 400],
    ['a greeting of TLS', '\x16\x03\x01\x02\x00\x01', 400],
    ['a future version', 'GET / HTTP/9.9\r\n\r\n', 400],
    ['a header without a name', `${request}: x\r\n\r\n`, 400],
    ['a NUL in a header', `${request}x: \0\r\n\r\n`, 400],
    ['two lengths', `${request}content-length: 1\r\ncontent-length: 2\r\n\r\n`, 400],
    ['a length beside chunks', `${request}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 400],
    ['headers that are too large', `${request}x: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('%s is answered as any other error', async (_what, bytes, status) => {
    const [head = '', body = ''] = (await site.raw(bytes)).split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(JSON.parse(body)).toMatchObject({ code: 'SERVER_REQUEST_INVALID', retryable: false })
    expect(head).toContain(`x-request-id: ${(JSON.parse(body) as ErrorAnswer).requestId}`)
  })

  it('an upload whose chunks break off in nonsense is answered, and nothing is kept', async () => {
    const head = `POST /api/v1/files/add HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\n`
    const bytes = `${head}content-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`
    expect(await site.raw(bytes)).toMatch(/^HTTP\/1\.1 400 [\s\S]+SERVER_REQUEST_INVALID/)
    expect((await site.call('pins.ls')).text).toBe('')
  })

  it('nothing gets into the middle of an answer that has begun', async () => {
    const content = 'a line of text\n'.repeat(2_000_000)
    const cid = await site.add(content)
    const socket = connect(site.port, '127.0.0.1')
    socket.write(
      `GET /api/v1/files/cat?cid=${cid} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\n\r\n`,
    )
    let received = ''
    for await (const chunk of socket) {
      if (received === '') socket.write('nonsense\r\n\r\n')
      received += (chunk as Buffer).toString('latin1')
    }
    const body = received.slice(received.indexOf('\r\n\r\n') + 4)
    expect(content.startsWith(body)).toBe(true)
  })

  it('an expectation that nobody knows is ignored', async () => {
    const answer = await site.raw(`${request}expect: the-best\r\nconnection: close\r\n\r\n`)
    expect(answer).toContain('{"ok":true}')
  })
})

describe('the pages', () => {
  it('say that the server lives and is ready', async () => {
    expect((await site.ask('/healthz')).text).toBe('{"ok":true}')
    expect(JSON.parse((await site.ask('/readyz')).text)).toEqual({
      ready: true,
      parts: [
        { name: 'ipfs', state: 'running' },
        { name: 'wal', state: 'running' },
        { name: 'gateway', state: 'running' },
      ],
    })
  })

  it('describe each operation, and each one is at its path', async () => {
    const { text } = await site.ask('/api/v1/openapi.json', { headers: { authorization } })
    const document = JSON.parse(text) as {
      openapi: string
      paths: Record<string, { post: { operationId: string } }>
    }
    expect(document.openapi).toBe('3.1.0')
    const names = site.server.kit.operations.map(({ name }) => name)
    expect(Object.values(document.paths).map(({ post }) => post.operationId)).toEqual(names)
    for (const path of Object.keys(document.paths)) {
      expect((await site.ask(path, { method: 'POST' })).status, path).toBe(401)
    }
  })
})

it('the README has a row for each code and no other', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = readme.split('\n').filter((line) => line.startsWith('| `SERVER_'))
  const cells = rows.map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
  expect(cells).toEqual(
    Object.entries(serverErrors).map(([code, { kind, when, next }]) => [
      `\`${code}\``,
      kind,
      when,
      next.replaceAll('<', '\\<'),
    ]),
  )
})
