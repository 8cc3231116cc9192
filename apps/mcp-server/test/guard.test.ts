import type { Scope } from '@ipfs-kit/operations'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type ErrorAnswer, serve, serveOnce, type Site } from './serving.ts'

let site: Site
beforeAll(async () => {
  site = await serve()
})
afterAll(() => site.close())

const doors = ['/api/v1/node/status', '/api/v1/openapi.json', '/mcp', '/healthz', '/readyz', '/metrics']
const guarded = doors.slice(0, 3)
const open = doors.slice(3)

function expectError({ status, headers, text }: Answer, expected: { status: number; code: string }): void {
  const body = JSON.parse(text) as ErrorAnswer
  expect({ status, code: body.code }).toEqual(expected)
  expect(headers['x-request-id']).toBe(body.requestId)
  expect(body.requestId).not.toBe('')
}

describe('the host', () => {
  it.each(['evil.example', 'evil.example:4801', 'localhost.evil.example', '127.0.0.1.nip.io', '127.1'])(
    'of a name that a foreign page can have is refused everywhere: %s',
    async (host) => {
      for (const door of doors) {
        const answer = await site.ask(door, { headers: { host, authorization: `Bearer ${site.token}` } })
        expectError(answer, { status: 403, code: 'SERVER_HOST_REFUSED' })
      }
    },
  )

  it.each(['', 'localhost:', 'evil@localhost', 'localhost/x', 'localhost:99999999', '[::2]', '192.168.0.1'])(
    'that is no name of this machine is refused: %j',
    async (host) => {
      const answer = await site.ask('/healthz', { headers: { host } })
      expectError(answer, { status: 403, code: 'SERVER_HOST_REFUSED' })
    },
  )

  it.each(['localhost', 'LOCALHOST:4801', '127.0.0.1:1', '[::1]', '[::1]:4801'])(
    'of this machine is served with any port: %s',
    async (host) => {
      for (const door of open) expect((await site.ask(door, { headers: { host } })).status).toBe(200)
      const headers = { host, authorization: `Bearer ${site.token}` }
      expect((await site.ask('/api/v1/node/status', { headers })).status).toBe(200)
    },
  )

  it.each(['1.0', '1.1'])('that is missing is refused, by HTTP/%s', async (version) => {
    const answer = await site.raw(`GET /healthz HTTP/${version}\r\nconnection: close\r\n\r\n`)
    expect(answer).toContain(' 403 Forbidden\r\n')
    expect(answer).toContain('SERVER_HOST_REFUSED')
  })

  it('in the URL outranks the header', async () => {
    const get = (url: string, host: string): Promise<string> =>
      site.raw(`GET ${url} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
    expect(await get('http://evil.example/healthz', 'localhost')).toContain('SERVER_HOST_REFUSED')
    expect(await get('http://localhost/healthz', 'localhost')).toContain('{"ok":true}')
  })
})

describe('the origin', () => {
  const foreign = (): string[] => [
    'null',
    'https://evil.example',
    'http://evil.example',
    `http://localhost:${site.port}`,
    `https://127.0.0.1:${site.port}`,
    'http://127.0.0.1',
    'http://127.0.0.1:3000',
    `http://127.0.0.1:${site.gatewayPort}`,
    '',
    'not an origin',
  ]

  it('of any page but those of this very address is refused, also of other ports of this machine', async () => {
    for (const origin of foreign()) {
      for (const door of doors) {
        const answer = await site.ask(door, { headers: { origin, authorization: `Bearer ${site.token}` } })
        expectError(answer, { status: 403, code: 'SERVER_ORIGIN_REFUSED' })
      }
    }
  })

  it('that was called is served, and no answer invites another one', async () => {
    for (const host of [`127.0.0.1:${site.port}`, `localhost:${site.port}`]) {
      const headers = { host, origin: `http://${host}`, authorization: `Bearer ${site.token}` }
      const answer = await site.ask('/api/v1/node/status', { headers })
      expect(answer.status).toBe(200)
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })

  it('of a page that asks for permission first gets none', async () => {
    for (const door of doors) {
      const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
      const answer = await site.ask(door, { method: 'OPTIONS', headers })
      expectError(answer, { status: 403, code: 'SERVER_ORIGIN_REFUSED' })
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })
})

describe('the token', () => {
  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz', 'Bearer two words', 'bearer\tx'])(
    'is missing in %j, and the answer says what is wanted',
    async (authorization) => {
      for (const door of guarded) {
        for (const method of ['GET', 'POST']) {
          if (door.endsWith('.json') && method === 'POST') continue
          const answer = await site.ask(door, { method, headers: { authorization } })
          expectError(answer, { status: 401, code: 'SERVER_TOKEN_MISSING' })
          expect(answer.headers['www-authenticate']).toBe('Bearer')
        }
      }
    },
  )

  it('that is wrong is refused, however near it is', async () => {
    const { token } = site
    const near = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    for (const wrong of ['x', near, token.slice(0, -1), `${token}A`, token.toUpperCase(), 'x'.repeat(8000)]) {
      for (const door of guarded) {
        const answer = await site.ask(door, { headers: { authorization: `Bearer ${wrong}` } })
        expectError(answer, { status: 403, code: 'SERVER_TOKEN_WRONG' })
        expect(answer.text).not.toContain(token.slice(8))
      }
    }
  })

  it('in a query is no token', async () => {
    const answer = await site.ask(`/api/v1/node/status?token=${site.token}&access_token=${site.token}`)
    expectError(answer, { status: 401, code: 'SERVER_TOKEN_MISSING' })
  })

  it('that is right opens all doors, whatever the case of the word before it', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const headers = { authorization: `${scheme} ${site.token}` }
      expect((await site.ask('/api/v1/node/status', { headers })).status).toBe(200)
      expect((await site.ask('/api/v1/openapi.json', { headers })).status).toBe(200)
      // Past the guard, the protocol has its own say about GET.
      expect((await site.ask('/mcp', { headers })).status).toBe(405)
    }
  })

  it('is asked for before the body of a request is read', async () => {
    const head = `POST /api/v1/files/add HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n`
    const answer = await site.raw(
      `${head}content-type: application/octet-stream\r\ncontent-length: 5000\r\n\r\n`,
    )
    expect(answer).toContain(' 401 Unauthorized\r\n')
  })

  it('is not wanted by health and metrics', async () => {
    for (const door of open) {
      expect((await site.ask(door)).status).toBe(200)
      expect((await site.ask(door, { headers: { authorization: 'Bearer wrong' } })).status).toBe(200)
    }
  })
})

it('the scope of the token has to allow what the operation does', async () => {
  const other = await serveOnce()
  const { tokens } = other.server.kit
  const verify = tokens.verify.bind(tokens)
  const allow = (scopes: readonly Scope[]): void => {
    tokens.verify = (presented) => {
      const known = verify(presented)
      return known && { ...known, scopes }
    }
  }
  const statuses = async (): Promise<number[]> => {
    const names = ['node.status', 'pins.add', 'repo.gc']
    const answers = await Promise.all(
      names.map((name) => other.call(name, name === 'pins.add' ? { cid: 'x' } : {})),
    )
    for (const answer of answers.filter(({ status }) => status === 403)) {
      expectError(answer, { status: 403, code: 'SERVER_SCOPE' })
    }
    return answers.map(({ status }) => status)
  }
  allow([])
  expect(await statuses()).toEqual([403, 403, 403])
  allow(['content:read', 'content:write'])
  expect(await statuses()).toEqual([200, 403, 403])
  allow(['content:read', 'pins'])
  expect(await statuses()).toEqual([200, 400, 403])
  allow(['content:read', 'pins', 'admin'])
  expect(await statuses()).toEqual([200, 400, 200])
})
