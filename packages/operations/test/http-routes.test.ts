import { operation } from '@ipfs-kit/operations'
import { operationRoutes } from '@ipfs-kit/operations/http'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { callerOf, connect, head, serve } from './http-server.ts'

const echoInput = z.object({
  text: z.string(),
  count: z.int().optional(),
  ratio: z.number().optional(),
  deep: z.boolean().default(false),
  mode: z.enum(['one', 'two']).optional(),
  level: z.union([z.int(), z.null()]).optional(),
})
const echo = operation<object>()({
  name: 'test.echo',
  summary: 'Give the input back.',
  parts: [],
  input: echoInput,
  output: z.object({ input: echoInput, requestId: z.string() }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  run: async (_parts, input, { requestId }) => ({ input, requestId }),
})
const change = operation<object>()({
  name: 'test.change',
  summary: 'Change nothing.',
  parts: [],
  input: z.object({ name: z.string().optional() }),
  output: z.object({ name: z.string() }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  run: async (_parts, { name }) => ({ name: name ?? 'none' }),
})

const json = { 'content-type': 'application/json' }
const post = (
  body: string | Uint8Array<ArrayBuffer> | Blob,
  headers: Record<string, string> = json,
): RequestInit => ({
  method: 'POST',
  headers,
  body,
})

async function bodyOf(response: Response): Promise<any> {
  return response.json()
}

describe('input', () => {
  test('comes as JSON with POST', async () => {
    const { url } = await serve([echo])
    const response = await fetch(`${url}/test/echo`, post(JSON.stringify({ text: 'ä', count: 3 })))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect((await bodyOf(response)).input).toEqual({ text: 'ä', count: 3, deep: false })
  })

  test('comes as a query with GET, by the types of the schema', async () => {
    const { url } = await serve([echo])
    const response = await fetch(`${url}/test/echo?text=12&count=-3&ratio=1.5e2&deep=true&mode=two&level=7`)
    expect((await bodyOf(response)).input).toEqual({
      text: '12',
      count: -3,
      ratio: 150,
      deep: true,
      mode: 'two',
      level: 7,
    })
  })

  test.each([
    ['text=a&text=b', /"text" more than once/],
    ['text=a&count=1x', /count/],
    ['text=a&count=', /count/],
    ['text=a&deep=yes', /deep/],
    ['text=a&typo=1', /typo/],
    ['', /text/],
  ])('is refused as a query %j', async (query, message) => {
    const { url } = await serve([echo])
    const response = await fetch(`${url}/test/echo?${query}`)
    expect(response.status).toBe(400)
    expect(await bodyOf(response)).toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
      message: expect.stringMatching(message),
    })
  })

  test('is empty when a POST has no body', async () => {
    const { url, port } = await serve([change])
    expect(await bodyOf(await fetch(`${url}/test/change`, { method: 'POST' }))).toEqual({ name: 'none' })
    expect(await bodyOf(await fetch(`${url}/test/change`, post('')))).toEqual({ name: 'none' })
    const chunked = connect(port, head('/test/change', { 'transfer-encoding': 'chunked' }), '0\r\n\r\n')
    expect(await chunked.until('none')).toMatch(/^HTTP\/1.1 200/)
  })

  test.each([
    ['{', json, 400, 'OPERATION_BODY_INVALID'],
    ['[]', json, 400, 'OPERATION_BODY_INVALID'],
    ['null', json, 400, 'OPERATION_BODY_INVALID'],
    [new Uint8Array([0x22, 0xff, 0x22]), json, 400, 'OPERATION_BODY_INVALID'],
    ['{"name":7}', json, 400, 'OPERATION_INVALID_INPUT'],
    ['{"__proto__":{"name":"x"}}', json, 400, 'OPERATION_INVALID_INPUT'],
    ['{}', { 'content-type': 'text/plain' }, 415, 'OPERATION_MEDIA_TYPE'],
    ['name=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'OPERATION_MEDIA_TYPE'],
    ['{}', { 'content-type': 'nonsense' }, 415, 'OPERATION_MEDIA_TYPE'],
    [new Blob(['{}']), {}, 415, 'OPERATION_MEDIA_TYPE'],
  ])('is refused as a body %j with %j', async (body, headers, status, code) => {
    const { url } = await serve([change])
    const response = await fetch(`${url}/test/change`, post(body, headers as Record<string, string>))
    expect(response.status).toBe(status)
    expect(await bodyOf(response)).toMatchObject({ code })
  })

  test('is refused in the query of a POST that has a JSON body', async () => {
    const { url } = await serve([change])
    const response = await fetch(`${url}/test/change?name=x`, post('{}'))
    expect(await bodyOf(response)).toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
      message: expect.stringMatching(/query/),
    })
  })

  test('has a limit, declared or counted', async () => {
    const { url, port } = await serve([change], { limits: { maxInputBytes: 100 } })
    const large = JSON.stringify({ name: 'x'.repeat(100) })
    const response = await fetch(`${url}/test/change`, post(large))
    expect(response.status).toBe(413)
    expect(await bodyOf(response)).toMatchObject({ code: 'OPERATION_BODY_TOO_LARGE' })
    const chunked = connect(
      port,
      head('/test/change', { ...json, 'transfer-encoding': 'chunked' }),
      `200\r\n${' '.repeat(0x200)}\r\n`,
    )
    expect(await chunked.until('OPERATION_BODY_TOO_LARGE')).toMatch(/^HTTP\/1.1 413/)
  })
})

describe('routes', () => {
  test('answer HEAD like GET, without the body', async () => {
    const { url } = await serve([echo])
    const response = await fetch(`${url}/test/echo?text=a`, { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(10)
    expect(await response.text()).toBe('')
    expect((await fetch(`${url}/test/echo`, { method: 'HEAD' })).status).toBe(400)
  })

  test('refuse other methods and name the right ones', async () => {
    const { url } = await serve([echo, change])
    const get = await fetch(`${url}/test/change`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    expect(await bodyOf(get)).toMatchObject({ code: 'OPERATION_METHOD' })
    const put = await fetch(`${url}/test/echo`, { ...post('{}'), method: 'PUT' })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD'])
    expect((await fetch(`${url}/test/change`, { method: 'HEAD' })).status).toBe(405)
  })

  test('are unknown for what is no operation', async () => {
    const { url } = await serve([echo])
    for (const path of ['/test/none', '/test', '/test/echo/more', '/Test/Echo']) {
      const response = await fetch(url + path, post('{}'))
      expect(response.status).toBe(404)
      expect(await bodyOf(response)).toMatchObject({ code: 'OPERATION_UNKNOWN', retryable: false })
    }
  })

  test('leave the rest of the server alone', async () => {
    const { app, port } = await serve([echo])
    const elsewhere = await app.inject('/elsewhere')
    expect([elsewhere.statusCode, elsewhere.headers['x-request-id']]).toEqual([404, undefined])
    expect((await fetch(`http://127.0.0.1:${port}/elsewhere`)).status).toBe(404)
  })

  test('work without a socket', async () => {
    const { app } = await serve([echo, change])
    const get = await app.inject('/api/v1/test/echo?text=a')
    expect(get.json()).toMatchObject({ input: { text: 'a' } })
    const post = await app.inject({ method: 'POST', url: '/api/v1/test/change', payload: { name: 'b' } })
    expect(post.json()).toEqual({ name: 'b' })
  })

  test('are refused for limits that are no numbers and for an input that hides the file name', () => {
    const caller = callerOf([])
    expect(() => operationRoutes({ operations: [], caller, limits: { maxFiles: 0 } })).toThrow(/maxFiles/)
    expect(() => operationRoutes({ operations: [], caller, limits: { maxIdleMs: Number.NaN } })).toThrow(
      /maxIdleMs/,
    )
    const files = { ...change, body: 'files', input: z.object({ filename: z.string() }) }
    expect(() => operationRoutes({ operations: [files as never], caller })).toThrow(/filename/)
  })
})

describe('request id', () => {
  test('is new for each request, in the header, in the call and in errors', async () => {
    const { url } = await serve([echo])
    const ids = new Set<string>()
    for (const query of ['text=a', 'text=b', 'nothing=c']) {
      const response = await fetch(`${url}/test/echo?${query}`, { headers: { 'x-request-id': 'mine' } })
      const id = response.headers.get('x-request-id')!
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect((await bodyOf(response)).requestId).toBe(id)
      ids.add(id)
    }
    expect(ids.size).toBe(3)
  })

  test('is there for what is no operation', async () => {
    const { url } = await serve([echo])
    const response = await fetch(`${url}/none/none`)
    expect(response.headers.get('x-request-id')).toBe((await bodyOf(response)).requestId)
  })
})

describe('authorize', () => {
  test('refuses with its fault, before the body is read', async () => {
    const asked: string[] = []
    const fault = Object.assign(new Error('Give a token'), {
      code: 'TOKEN_MISSING',
      kind: 'unauthenticated',
      next: 'Send it.',
    })
    const { url, port } = await serve([echo, change], {
      authorize(request, { name }) {
        asked.push(name)
        if (request.headers.authorization !== 'Bearer good') throw fault
      },
    })
    const refused = await fetch(`${url}/test/echo?text=a`)
    expect(refused.status).toBe(401)
    expect(await bodyOf(refused)).toMatchObject({
      code: 'TOKEN_MISSING',
      kind: 'unauthenticated',
      next: 'Send it.',
    })
    const unfinished = connect(port, head('/test/change', { ...json, 'content-length': 1_000 }), '{')
    expect(await unfinished.until('TOKEN_MISSING')).toMatch(/^HTTP\/1.1 401[^]*connection: close/)
    const allowed = await fetch(`${url}/test/echo?text=a`, { headers: { authorization: 'Bearer good' } })
    expect(allowed.status).toBe(200)
    expect(asked).toEqual(['test.echo', 'test.change', 'test.echo'])
  })
})
