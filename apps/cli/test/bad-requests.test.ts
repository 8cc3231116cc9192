import { request } from 'node:http'
import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, run } from './command.ts'
import { type Agent, agentOverHttp } from './mcp-client.ts'
import { startServer, type TestServer } from './server.ts'
import { keptBy } from './store.ts'

const absent = 'bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
const MiB = 1_048_576
let server: TestServer
let agent: Agent
/** A folder with the file `ten` of ten bytes. */
let root: string
let before: unknown

beforeAll(async () => {
  server = await startServer()
  const form = new FormData()
  form.append('file', new File(['0123456789'], 'folder/ten'))
  const added = await server.request('files/add', { method: 'POST', body: form })
  root = String(jsonLines(await added.text()).at(-1)?.['cid'])
  agent = await agentOverHttp(server, '2026-07-28')
  before = await keptBy(server.client)
})

/** The status and the body of an answer that is an error, which has everything that an error has. */
async function refusal(response: Response) {
  const body = (await response.json()) as Record<string, unknown>
  expect(Object.keys(body).toSorted()).toEqual(['code', 'kind', 'message', 'next', 'requestId', 'retryable'])
  expect(body['requestId']).toBe(response.headers.get('x-request-id'))
  return { status: response.status, ...body }
}

const cat = (cid: string, more = '') => server.request(`files/cat?cid=${encodeURIComponent(cid)}${more}`)
const gateway = (path: string, init?: RequestInit) => fetch(`${server.gatewayUrl}/ipfs/${path}`, init)
const post = (path: string, body: NonNullable<RequestInit['body']>, type?: string) =>
  server.request(path, {
    method: 'POST',
    body,
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
  })

describe('an invalid CID', () => {
  test('is answered with 400, its code and an example, at every door', async () => {
    const error = {
      code: 'IPFS_INVALID_CID',
      message: expect.stringMatching(/nonsense.*bafk/),
      next: expect.stringContaining('bafk'),
    }
    expect(await refusal(await cat('nonsense'))).toMatchObject({ status: 400, ...error })
    expect(await refusal(await post('pins/add', '{"cid":"nonsense"}', 'application/json'))).toMatchObject({
      status: 400,
      ...error,
    })
    const page = await gateway('nonsense')
    expect([page.status, await page.text()]).toEqual([400, expect.stringMatching(/nonsense[^]*bafk/)])
    const answer = await agent.answer('storage_read', { address: 'nonsense' })
    expect([answer.isError, JSON.stringify(answer.content)]).toEqual([
      true,
      expect.stringMatching(/IPFS_INVALID_CID.*bafk/),
    ])
  })
})

describe('an unknown CID', () => {
  test('is answered with 404 within two seconds, saying what was tried, at every door', async () => {
    await expect.poll(secondsAtEveryDoor, { interval: 0 }).toBeLessThan(2)
  })

  /** Asks for it at each door. What that takes on a machine that has time for it is what it takes at best. */
  async function secondsAtEveryDoor(): Promise<number> {
    const started = performance.now()
    expect(await refusal(await cat(absent))).toMatchObject({
      status: 404,
      code: 'IPFS_BLOCK_NOT_FOUND',
      message: expect.stringMatching(/tried: the local block store.*offline/),
    })
    const page = await gateway(absent)
    expect([page.status, await page.text()]).toEqual([
      404,
      expect.stringContaining('tried: the local block store'),
    ])
    const answer = await agent.answer('storage_read', { address: absent })
    expect(JSON.stringify(answer.content)).toContain('tried: the local block store')
    return (performance.now() - started) / 1_000
  }
})

describe('a path', () => {
  test('that does not exist in the DAG is answered with 404, naming what is missing and where', async () => {
    const error = await refusal(await cat(`${root}/ten/eleven`))
    expect(error).toMatchObject({ status: 404 })
    expect(await refusal(await cat(`${root}/eleven`))).toMatchObject({
      status: 404,
      code: 'IPFS_PATH_NOT_FOUND',
      message: expect.stringMatching(new RegExp(`eleven.*${root}|${root}.*eleven`)),
    })
    expect((await gateway(`${root}/eleven`)).status).toBe(404)
  })

  test.each(['..', '.', 'a\0b', '../ten', 'ten/..'])('with the name %j is refused with 400', async (name) => {
    const error = await refusal(await cat(`${root}/${name}`))
    expect(error).toMatchObject({ status: 400, code: 'IPFS_INVALID_PATH' })
    const sent = await rawGet(
      `${server.gatewayUrl}/ipfs/${root}/`,
      name.split('/').map(encodeURIComponent).join('/'),
    )
    expect(sent).toBe(400)
  })

  test.each(['../up', 'a/../../up', '/absolute', 'a\0b', 'a//b'])(
    'of an uploaded file %j is refused, and nothing of the upload is kept',
    async (name) => {
      const raw = await refusal(
        await post(`files/add?filename=${encodeURIComponent(name)}`, 'x', 'application/octet-stream'),
      )
      expect(raw).toMatchObject({
        status: 400,
        code: 'OPERATION_BODY_INVALID',
        message: expect.stringContaining(JSON.stringify(name)),
      })
      const form = new FormData()
      form.append('file', new File(['good'], 'good'))
      form.append('file', new File(['bad'], name.replace('\0', '%00')))
      if (!name.includes('\0'))
        expect(
          await refusal(await server.request('files/add', { method: 'POST', body: form })),
        ).toMatchObject({ status: 400 })
      expect(await keptBy(server.client)).toEqual(before)
    },
  )
})

describe('a token', () => {
  test('that is missing is 401 and a wrong one 403, on REST and MCP', async () => {
    for (const path of ['/api/v1/files/stat?cid=x', '/api/v1/openapi.json', '/mcp']) {
      const none = await fetch(`${server.url}${path}`)
      expect(await refusalOf(none)).toMatchObject({ status: 401, code: 'SERVER_TOKEN_MISSING' })
      const wrong = await fetch(`${server.url}${path}`, {
        headers: { authorization: `Bearer ipfskit_${'A'.repeat(43)}` },
      })
      expect(await refusalOf(wrong)).toMatchObject({ status: 403, code: 'SERVER_TOKEN_WRONG' })
    }
  })

  test('is asked for before anything is read of the body', async () => {
    const response = await fetch(`${server.url}/api/v1/files/add`, {
      method: 'POST',
      body: new Uint8Array(4 * MiB),
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect(response.status).toBe(401)
    expect(await keptBy(server.client)).toEqual(before)
  })

  test('is not needed to read through the gateway, for health and for metrics', async () => {
    for (const url of [
      `${server.gatewayUrl}/ipfs/${root}/ten`,
      `${server.url}/healthz`,
      `${server.url}/readyz`,
      `${server.url}/metrics`,
    ]) {
      expect([url, (await fetch(url)).status]).toEqual([url, 200])
    }
  })
})

describe('a page of another site', () => {
  test('is refused by its origin and by its host, also with the token', async () => {
    const origin = await server.request('node/status', { headers: { origin: 'https://example.com' } })
    expect(await refusalOf(origin)).toMatchObject({ status: 403, code: 'SERVER_ORIGIN_REFUSED' })
    expect(
      await rawGet(`${server.url}/api/v1/node/status`, '', {
        host: 'example.com',
        authorization: `Bearer ${server.token}`,
      }),
    ).toBe(403)
    expect(await rawGet(`${server.gatewayUrl}/ipfs/${root}/ten`, '', { host: 'example.com' })).toBe(403)
  })
})

describe('a body', () => {
  test('above its limit is refused with 413: a block, a JSON input, a message of an agent', async () => {
    const block = await post('block/put', new Uint8Array(16 * MiB + 1), 'application/octet-stream')
    expect(await refusal(block)).toMatchObject({
      status: 413,
      code: 'OPERATION_BODY_TOO_LARGE',
      message: expect.stringContaining('16777216'),
    })
    const stored = await post('block/put', new Uint8Array(2 * MiB + 1), 'application/octet-stream')
    expect(await refusal(stored)).toMatchObject({ status: 413, code: 'IPFS_BLOCK_TOO_LARGE' })
    const input = await post('files/stat', JSON.stringify({ cid: 'x'.repeat(4 * MiB) }), 'application/json')
    expect(await refusal(input)).toMatchObject({ status: 413, code: 'OPERATION_BODY_TOO_LARGE' })
    const message = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { x: 'x'.repeat(5 * MiB) } }),
    })
    expect(message.status).toBe(413)
    expect(await keptBy(server.client)).toEqual(before)
  })

  test('above its limit is refused with 413 also when its length is not said', async () => {
    const pieces = (async function* () {
      for (let sent = 0; sent < 18; sent += 1) yield new Uint8Array(MiB)
    })()
    const init = { method: 'POST', body: pieces as never, duplex: 'half' as const }
    const response = await server.request('block/put', {
      ...init,
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect(await refusal(response)).toMatchObject({ status: 413, code: 'OPERATION_BODY_TOO_LARGE' })
    expect(await keptBy(server.client)).toEqual(before)
  })

  test('of a wrong content type is refused with 415, naming the right one', async () => {
    for (const [path, type] of [
      ['files/add', 'text/plain'],
      ['block/put', 'application/json'],
      ['car/import', 'application/x-www-form-urlencoded'],
      ['files/stat', 'text/plain'],
    ] as const) {
      const error = await refusal(await post(path, '{"cid":"x"}', type))
      expect(error).toMatchObject({
        status: 415,
        code: 'OPERATION_MEDIA_TYPE',
        message: expect.stringMatching(/application\/(octet-stream|json)/),
      })
    }
  })

  test('that is no JSON, or has an unknown key, is refused with 400', async () => {
    expect(await refusal(await post('files/stat', '{"cid":', 'application/json'))).toMatchObject({
      status: 400,
      code: 'OPERATION_BODY_INVALID',
    })
    const unknown = await refusal(
      await post('files/stat', JSON.stringify({ cid: root, depth: 1 }), 'application/json'),
    )
    expect(unknown).toMatchObject({
      status: 400,
      code: 'OPERATION_INVALID_INPUT',
      message: expect.stringContaining('depth'),
    })
  })
})

describe('a range that cannot be met', () => {
  test('is answered with 416 by REST and by the gateway, with the size, and with exit code 2 by cat', async () => {
    expect(await refusal(await cat(`${root}/ten`, '&offset=11'))).toMatchObject({
      status: 416,
      code: 'IPFS_RANGE',
      message: expect.stringContaining('10'),
    })
    const page = await gateway(`${root}/ten`, { headers: { range: 'bytes=10-' } })
    expect([page.status, page.headers.get('content-range')]).toEqual([416, 'bytes */10'])
    const command = await run(['cat', `${root}/ten`, '--offset', '11', '--json'], { home: server.home })
    expect(command).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('"IPFS_RANGE"') })
  })
})

describe('an operation that does not exist, and a method that it does not have', () => {
  test('are answered with 404 and 405', async () => {
    expect(await refusal(await server.request('files/nosuch'))).toMatchObject({
      status: 404,
      code: 'OPERATION_UNKNOWN',
    })
    expect(await refusal(await server.request('files/add'))).toMatchObject({
      status: 405,
      code: 'OPERATION_METHOD',
    })
    expect(await refusal(await server.request('files/stat', { method: 'DELETE' }))).toMatchObject({
      status: 405,
    })
    expect((await fetch(`${server.url}/nosuch`)).status).toBe(404)
    expect((await gateway(root, { method: 'POST' })).status).toBe(405)
  })
})

async function refusalOf(response: Response) {
  return { status: response.status, ...((await response.json()) as object) }
}

/** The status of a request whose path and headers `fetch` would set right. */
function rawGet(url: string, rest: string, headers: Record<string, string> = {}): Promise<number> {
  const { hostname, port, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    const asking = request({ host: hostname, port, path: `${pathname}${rest}`, headers }, (response) => {
      resolve(response.resume().statusCode ?? 0)
    })
    asking.on('error', reject).end()
  })
}
