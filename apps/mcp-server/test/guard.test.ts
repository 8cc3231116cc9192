import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '@ipfs-kit/operations'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type ErrorAnswer, serve, type Site } from './serving.ts'

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

describe('a token that was made for somebody else', () => {
  /** An operation of each scope, with an input that is refused when the token is not. */
  const operations = {
    'content:read': ['files.stat', { cid: 'x' }],
    'content:write': ['wal.append', {}],
    pins: ['pins.add', { cid: 'x' }],
    admin: ['credentials.remove', { name: '!' }],
  } as const satisfies Record<Scope, readonly [string, object]>

  const as = (token: string, name: string, input: object): Promise<Answer> =>
    site.ask(`/api/v1/${name.replace('.', '/')}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })

  it('may do what its scopes allow, and nothing else', async () => {
    const all = Object.keys(operations) as Scope[]
    for (const [index, own] of [...all.map((one) => [one]), all].entries()) {
      const { token } = await site.server.kit.tokens.create({ name: `scopes-${index}`, scopes: own })
      for (const scope of all) {
        const [name, input] = operations[scope]
        const answer = await as(token, name, input)
        if (own.includes(scope)) expect([name, answer.status]).toEqual([name, 400])
        else expectError(answer, { status: 403, code: 'SERVER_SCOPE' })
      }
    }
  })

  it('is refused at every door once it is revoked or has expired', async () => {
    const { tokens } = site.server.kit
    const revoked = await tokens.create({ name: 'revoked', scopes: ['content:read'] })
    const expiring = await tokens.create({
      name: 'expired',
      scopes: ['content:read'],
      expiresAt: Date.now() + 60_000,
    })
    for (const { token } of [revoked, expiring]) {
      expect((await as(token, 'node.status', {})).status).toBe(200)
    }
    await tokens.revoke('revoked')
    // As if its time had come.
    const file = join(site.server.kit.home.tokens, 'issued.json')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(String(expiring.expiresAt), String(Date.now())))
    const codes = { CREDENTIALS_TOKEN_REVOKED: revoked.token, CREDENTIALS_TOKEN_EXPIRED: expiring.token }
    for (const [code, token] of Object.entries(codes)) {
      for (const door of guarded) {
        const answer = await site.ask(door, { headers: { authorization: `Bearer ${token}` } })
        expectError(answer, { status: 403, code })
      }
      const socket = await site.ask('/api/v1/wal/ws', {
        headers: {
          ...{ connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
          ...{ 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-protocol': `bearer.${token}` },
        },
      })
      expectError(socket, { status: 403, code })
    }
  })
})
